package serve_test

import ("context";"testing";"os";"retrace/serve")

func TestZZServe(t *testing.T) {
	s, err := serve.New(os.Getenv("ZZ_DIR"), nil)
	if err != nil { t.Fatal(err) }
	t.Log(s.Listen(context.Background(), "localhost:8765", func(u string){}))
}
