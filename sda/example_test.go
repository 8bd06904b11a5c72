package sda_test

import (
	"context"
	"fmt"
	"log"

	"retrace/internal/safetensors"
	"retrace/sda"
)

// A network with the weights that PyTorch wrote predicts the noise in a
// trajectory of nine states, and hands a cotangent back.
func Example() {
	architecture, err := sda.ParseArchitecture("net.toml", []byte(`
kind = "mcscore-mlp"
activation = "SiLU"
[args]
features = 3
order = 2
embedding = 16
hidden_features = [32, 32, 32]
`))
	if err != nil {
		log.Fatal(err)
	}
	weights, err := safetensors.Read("testdata/mlp_k2.safetensors")
	if err != nil {
		log.Fatal(err)
	}
	prior, err := sda.New(architecture, weights)
	if err != nil {
		log.Fatal(err)
	}
	denoiser, err := prior.Denoiser(9, []int{3})
	if err != nil {
		log.Fatal(err)
	}
	x, v := make([]float32, denoiser.Dim()), make([]float32, denoiser.Dim())
	x[0], v[26] = 1, 1
	eps, gradient := make([]float32, len(x)), make([]float32, len(x))
	if err := denoiser.Noise(context.Background(), eps, x, 0.3); err != nil {
		log.Fatal(err)
	}
	if err := denoiser.PullNoise(context.Background(), gradient, v); err != nil {
		log.Fatal(err)
	}
	fmt.Println(prior.Parameters(), "parameters")
	fmt.Println("the last state does not depend on the first:", gradient[0] == 0)
	// Output:
	// 20911 parameters
	// the last state does not depend on the first: true
}
