package serve_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"retrace/serve"
)

// A folder of runs is shown until the context ends.
func ExampleServer_Listen() {
	dir, err := os.MkdirTemp("", "runs")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	if err := os.WriteFile(filepath.Join(dir, "scores.csv"), []byte("rmse\n0.5\n"), 0o666); err != nil {
		panic(err)
	}
	server, err := serve.New(dir, nil)
	if err != nil {
		panic(err)
	}
	defer server.Close()
	ctx, stop := context.WithCancel(context.Background())
	err = server.Listen(ctx, "localhost:0", func(url string) {
		go func() {
			defer stop()
			response, err := http.Get(url + "files/scores.csv")
			if err != nil {
				panic(err)
			}
			defer response.Body.Close()
			fmt.Println(response.Status, strings.HasPrefix(url, "http://localhost:"))
		}()
	})
	fmt.Println(err)
	// Output:
	// 200 OK true
	// <nil>
}
