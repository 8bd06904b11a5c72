package command_test

import (
	"context"
	"fmt"
	"os"

	"retrace/command"
)

// A program that registers systems of its own calls Main; Run is for tests.
func ExampleRun() {
	code := command.Run(context.Background(), []string{"trian", "my.toml"}, os.Stdout, os.Stdout)
	fmt.Println(code)
	// Output:
	// retrace: unknown command "trian"; did you mean "train"?
	// 2
}
