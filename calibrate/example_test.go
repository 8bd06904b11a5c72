package calibrate_test

import (
	"context"
	"fmt"
	"log"

	"retrace/calibrate"
)

// A study of the oracle suite clears the exact posterior.
func Example() {
	study, err := calibrate.Oracle(context.Background(), 100, 32, 0.01, 1)
	if err != nil {
		log.Fatal(err)
	}
	a, err := study.Assess(context.Background(), "exact", calibrate.Exact{}, nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(a.Pass, a.Cases, "cases,", len(a.Tests), "tests")
	// Output:
	// true 100 cases, 23 tests
}
