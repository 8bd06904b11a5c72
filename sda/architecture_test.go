package sda_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"retrace/internal/fault"
	"retrace/internal/safetensors"
	"retrace/scoresum"
	"retrace/sda"
)

func TestBothFormsOfAnArchitectureFile(t *testing.T) {
	nested := architecture(t, "kind = 'mcscore-unet'\nbranch = 'master'\n[args]\nfeatures = 1\norder = 2\nembedding = 8\nhidden_channels = [4]\nhidden_blocks = [1]\nactivation = 'ELU'\n")
	flat := architecture(t, "kind = 'mcscore-unet'\nactivation = 'ELU'\nfeatures = 1\norder = 2\nembedding = 8\nhidden_channels = [4]\nhidden_blocks = [1]\n")
	a, b := *nested.Arguments.(*sda.FieldUNet), *flat.Arguments.(*sda.FieldUNet)
	if nested.Activation != "ELU" || flat.Activation != "ELU" || a.Order != 2 || b.Order != 2 || a.Embedding != 8 || b.Embedding != 8 {
		t.Errorf("read %+v and %+v", nested, flat)
	}
	if a.Spatial != 2 || a.KernelSize[0] != 3 || a.Stride[0] != 2 || a.PaddingMode != "circular" {
		t.Errorf("defaults are %+v", a)
	}
	if s := architecture(t, fixtures["unet1d"]).Arguments.(*sda.SequenceUNet); s.PaddingMode != "zeros" {
		t.Errorf("defaults of a sequence are %+v", s)
	}
}

func TestBrokenArchitecturesAreInputErrors(t *testing.T) {
	mlp, unet := fixtures["mlp_k2"], fixtures["unet2d_k1"]
	replace := func(text, old, replacement string) string {
		if !strings.Contains(text, old) {
			t.Fatalf("%q is not in %q", old, text)
		}
		return strings.Replace(text, old, replacement, 1)
	}
	for name, c := range map[string]struct {
		text string
		want []string
	}{
		"empty":             {"", []string{"kind is missing", "mcscore-mlp"}},
		"unknown kind":      {"kind = 'transformer'", []string{"a.toml:1:1", "kind", "not supported", "global-unet-1d"}},
		"other branch":      {"branch = 'qg'\n" + mlp, []string{"a.toml:1:1", "branch", "mcscore-mlp", "branch master"}},
		"kind no text":      {"kind = 3", []string{"kind"}},
		"args no table":     {"kind = 'mcscore-mlp'\nargs = 3", []string{"args", "table"}},
		"unknown key":       {replace(mlp, "order", "ordre"), []string{"a.toml:4:1", `"args.ordre"`, `did you mean "order"?`, "args.order is missing"}},
		"key of a U-Net":    {mlp + "hidden_blocks = [1]", []string{"a.toml:7:1", "hidden_blocks"}},
		"order 0":           {replace(mlp, "order = 2", "order = 0"), []string{"a.toml:4:1", "args.order = 0", "between 1 and"}},
		"order no number":   {replace(mlp, "order = 2", "order = 'two'"), []string{"args.order", "whole number"}},
		"features 0":        {replace(mlp, "features = 3", "features = 0"), []string{"args.features = 0"}},
		"hidden of one":     {replace(mlp, "[32, 32, 32]", "[32, 1]"), []string{"args.hidden_features", "between 2 and"}},
		"too large":         {replace(mlp, "[32, 32, 32]", "[1_000_000_000]"), []string{"args.hidden_features"}},
		"activation":        {"activation = 'Silu'\n" + mlp, []string{"a.toml:1:1", "activation", `did you mean "SiLU"?`}},
		"two activations":   {"activation = 'SiLU'\n" + mlp + "activation = 'ELU'\n", []string{"a.toml:1:1", "args.activation", "once"}},
		"branch of frames":  {replace(fixtures["qg"], "branch = 'qg'", "branch = 'master'"), []string{"a.toml:2:1", "branch", "qg-unet"}},
		"kernels":           {replace(unet, "kernel_size = 3", "kernel_size = [3, 3, 3]"), []string{"args.kernel_size has 3 values"}},
		"kernel no number":  {replace(unet, "kernel_size = 3", "kernel_size = 'three'"), []string{"args.kernel_size", "whole number"}},
		"temporal kernel":   {fixtures["qg"] + "temporal_kernel_size = 2\n", []string{"args.temporal_kernel_size = 2", "odd"}},
		"two channels":      {fixtures["qg"] + "features = 3\n", []string{"args.features = 3"}},
		"spatial of frames": {fixtures["qg"] + "spatial = 1\n", []string{"args.spatial = 1"}},
		"spatial 3":         {replace(unet, "spatial = 2", "spatial = 3"), []string{"args.spatial = 3"}},
		"even kernel":       {replace(unet, "kernel_size = 3", "kernel_size = 4"), []string{"args.kernel_size = 4", "odd"}},
		"padding":           {unet + "padding_mode = 'reflect'\n", []string{"args.padding_mode", "circular or zeros"}},
		"levels differ":     {replace(unet, "[2, 2]", "[2]"), []string{"args.hidden_blocks", "every level"}},
		"no levels":         {replace(replace(unet, "[2, 2]", "[]"), "[16, 32]", "[]"), []string{"every level"}},
		"negative blocks":   {replace(unet, "[2, 2]", "[2, -2]"), []string{"args.hidden_blocks"}},
		"stride 0":          {unet + "stride = 0\n", []string{"args.stride = 0"}},
		"negative context":  {unet + "context = -1\n", []string{"args.context = -1"}},
		"no TOML":           {"kind =", []string{"a.toml:1:", "not valid TOML"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := sda.ParseArchitecture("a.toml", []byte(c.text))
			if !fault.IsInput(err) {
				t.Fatalf("error %v, want an input error", err)
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q does not contain %q", err, want)
				}
			}
		})
	}
}

func TestTensorsListedAreThoseOfPyTorch(t *testing.T) {
	for name := range fixtures {
		file := readWeights(t, name)
		listed := architecture(t, fixtures[name]).Tensors()
		optional := 0
		if _, ok := file.Tensor("forcing"); ok {
			optional = 1
		}
		if len(listed) != len(file.Tensors)-optional {
			t.Errorf("%s: %d tensors are listed, the file has %d", name, len(listed), len(file.Tensors))
		}
		for _, e := range listed {
			if got, ok := file.Tensor(e.Name); !ok || !slices.Equal(got.Shape, e.Shape) {
				t.Errorf("%s: %s is listed with %v, the file has %v", name, e.Name, e.Shape, got.Shape)
			}
		}
	}
}

func TestWeightsThatDoNotFitAreRefused(t *testing.T) {
	for name, c := range map[string]struct {
		net    string
		change func(f *safetensors.File)
		want   string
	}{
		"missing": {"mlp_k2", func(f *safetensors.File) { f.Tensors = f.Tensors[1:] }, "no tensor kernel.embedding.0.bias (256)"},
		"shape": {"mlp_k2", func(f *safetensors.File) {
			tensor(f, "kernel.network.2.1.weight").Shape = []int{16, 64}
		}, "kernel.network.2.1.weight has the shape (16, 64), but the architecture expects (32, 32)"},
		"the first of two": {"unet2d_k1", func(f *safetensors.File) {
			tensor(f, "kernel.network.tails.0.2.weight").Shape = []int{1, 16 * 32 * 9}
			tensor(f, "kernel.network.heads.0.bias").Shape = []int{4, 4}
		}, "kernel.network.heads.0.bias has the shape (4, 4), but the architecture expects (16)"},
		"extra": {"unet1d", func(f *safetensors.File) {
			f.Tensors = append(f.Tensors, safetensors.Tensor{Name: "score.network.more", Shape: []int{2}, Data: []float32{1, 2}})
		}, "score.network.more (2) is unexpected"},
		"NaN": {"unet1d", func(f *safetensors.File) {
			data := tensor(f, "score.embedding.2.bias").Data
			data[3] /= 0 * data[3]
		}, "score.embedding.2.bias is not finite at element 3"},
		"frequencies": {"unet1d", func(f *safetensors.File) { tensor(f, "score.embedding.freqs").Data[2] = 1 }, "score.embedding.freqs is 1 at element 2"},
	} {
		t.Run(name, func(t *testing.T) {
			file := readWeights(t, c.net)
			c.change(file)
			if _, err := sda.New(architecture(t, fixtures[c.net]), file); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v does not contain %q", err, c.want)
			}
		})
	}
}

func tensor(f *safetensors.File, name string) *safetensors.Tensor {
	return &f.Tensors[slices.IndexFunc(f.Tensors, func(t safetensors.Tensor) bool { return t.Name == name })]
}

func TestFrequenciesNeedNotBeInTheFile(t *testing.T) {
	file := readWeights(t, "mlp_k2")
	file.Tensors = slices.DeleteFunc(file.Tensors, func(t safetensors.Tensor) bool { return strings.HasSuffix(t.Name, "freqs") })
	if _, err := sda.New(architecture(t, fixtures["mlp_k2"]), file); err != nil {
		t.Error(err)
	}
}

// wrapped is the fixture qg as wrappers of modules and another class would have
// written it.
func wrapped(t *testing.T) *safetensors.File {
	file := readWeights(t, "qg")
	for i := range file.Tensors {
		name := "score." + file.Tensors[i].Name
		for old, replacement := range map[string]string{
			".residue.": ".residue.module.", ".heads.1.1.": ".heads.1.1.checkpoint.2", ".tails.0.0.": ".tails.0.0.checkpoint.2",
			"score.forcing": "score.coordinates",
		} {
			name = strings.Replace(name, old, replacement, 1)
		}
		file.Tensors[i].Name = name
	}
	return file
}

func TestNamesOfWrappedModulesAreUnderstood(t *testing.T) {
	a := architecture(t, strings.Replace(fixtures["qg"], "context = 4\n", "", 1)) // the weights tell
	p, err := sda.New(a, wrapped(t))
	if err != nil {
		t.Fatal(err)
	}
	shape, x := readArray(t, "qg.x")
	_, y := readArray(t, "qg.y")
	got := make([]float32, len(x))
	if err := newDenoiser(t, p, shape[1], shape[2:]...).Noise(context.Background(), got, x, fixtureTimes[0]); err != nil {
		t.Fatal(err)
	}
	closeTo(t, "eps", got, y[:len(x)], 1e-5)
	for want, change := range map[string]func(f *safetensors.File){
		"score.network.descent.1.0.residue.module.3.weight has the shape (7, 24, 1, 1), but the architecture expects (6, 24, 1, 1)": func(f *safetensors.File) {
			w := tensor(f, "score.network.descent.1.0.residue.module.3.weight")
			w.Shape, w.Data = []int{7, 24, 1, 1}, make([]float32, 7*24)
		},
		"no tensor score.network.tails.1.bias (2)": func(f *safetensors.File) {
			f.Tensors = slices.DeleteFunc(f.Tensors, func(t safetensors.Tensor) bool { return t.Name == "score.network.tails.1.bias" })
		},
		"no tensor network.heads.1.1.2.weight (6, 24, 1)": func(f *safetensors.File) {
			f.Tensors = slices.DeleteFunc(f.Tensors, func(t safetensors.Tensor) bool {
				return strings.HasPrefix(t.Name, "score.network.heads.1.1.checkpoint.22.")
			})
		},
		"score.network.extra (1) is unexpected": func(f *safetensors.File) {
			f.Tensors = append(f.Tensors, safetensors.Tensor{Name: "score.network.extra", Shape: []int{1}, Data: []float32{1}})
		},
	} {
		file := wrapped(t)
		change(file)
		if _, err := sda.New(a, file); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v does not contain %q", err, want)
		}
	}
}

func TestFixedChannelsThatAreNotThereAreAnError(t *testing.T) {
	a := architecture(t, strings.Replace(fixtures["qg"], "context = 4", "context = 3", 1))
	file := readWeights(t, "qg")
	w := tensor(file, "network.heads.0.weight")
	w.Shape, w.Data = []int{4, 5, 5, 5}, w.Data[:4*5*25]
	if _, err := sda.New(a, file); err == nil || !strings.Contains(err.Error(), "no tensor (3, any, any) with the fixed channels") {
		t.Errorf("error %v", err)
	}
}

func TestTrajectoriesThatDoNotFitAreInputErrors(t *testing.T) {
	forced := samples["fields with a forcing"].prior(t)
	for name, c := range map[string]struct {
		prior  *sda.Prior
		length int
		state  []int
		want   string
	}{
		"too short":        {fixture(t, "mlp_k2"), 4, []int{3}, "windows of the network have 5"},
		"features":         {fixture(t, "mlp_k2"), 9, []int{2}, "(2), but those of the network are (3)"},
		"a field":          {fixture(t, "mlp_k2"), 9, []int{3, 1}, "are (3)"},
		"no field":         {fixture(t, "unet2d_k1"), 9, []int{2, 16}, "are (2, any, any)"},
		"odd field":        {fixture(t, "unet2d_k1"), 9, []int{2, 16, 9}, "a grid of 16 x 9: the number of columns must be a multiple of 2^1"},
		"forcing":          {forced, 9, []int{1, 5, 4}, "forcing of (5, 3)"},
		"length":           {samples["sequence of three levels"].prior(t), 10, []int{2}, "length 10: the length must be a multiple of 2^2"},
		"variables":        {fixture(t, "unet1d"), 10, []int{2}, "are (3)"},
		"empty":            {fixture(t, "unet1d"), 0, []int{3}, "0 states"},
		"below the kernel": {samples["periodic sequence"].prior(t), 2, []int{1}, "too small"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := c.prior.Denoiser(c.length, c.state)
			if !fault.IsInput(err) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v does not contain %q", err, c.want)
			}
		})
	}
}

func TestBrokenPriorsAreInputErrors(t *testing.T) {
	good := func(t *testing.T) *safetensors.File {
		dir := t.TempDir()
		if err := fixture(t, "mlp_k2").Save(dir); err != nil {
			t.Fatal(err)
		}
		file, err := safetensors.Read(filepath.Join(dir, scoresum.WeightsName))
		if err != nil {
			t.Fatal(err)
		}
		return file
	}
	for key, c := range map[string]struct{ value, want string }{
		"format":       {"retrace prior 1", "not written by retrace import-weights"},
		"schedule":     {"linear", `"linear"`},
		"architecture": {`{"kind":"mcscore-mlp","activation":"SiLU","args":{"features":3,"order":0}}`, "order = 0"},
	} {
		t.Run(key, func(t *testing.T) {
			dir, file := t.TempDir(), good(t)
			file.Metadata[key] = c.value
			if err := safetensors.Write(filepath.Join(dir, scoresum.WeightsName), file); err != nil {
				t.Fatal(err)
			}
			_, err := sda.Load(dir)
			if !fault.IsInput(err) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v does not contain %q", err, c.want)
			}
			if errors.Is(err, sda.ErrOtherFormat) != (key == "format") {
				t.Errorf("error %v: ErrOtherFormat", err)
			}
		})
	}
	for _, text := range []string{"", "{", `{"kind":"other"}`, `{"kind":"mcscore-mlp"}`, `{"kind":"unet"}`, `{"kind":"mcscore-mlp","activation":"x","args":{}}`} {
		if err := new(sda.Architecture).UnmarshalJSON([]byte(text)); err == nil {
			t.Errorf("no error of %q", text)
		}
	}
}

// FuzzImport feeds broken architectures, and architectures for weights that are
// not theirs: an error, or a network that evaluates.
func FuzzImport(f *testing.F) {
	for _, text := range fixtures {
		f.Add(text)
	}
	for _, s := range samples {
		f.Add(s.text)
	}
	f.Add("kind = 'mcscore-mlp'\nargs = [1]\n")
	content, err := os.ReadFile("testdata/mlp_k2.safetensors")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text string) {
		a, err := sda.ParseArchitecture("a.toml", []byte(text))
		if err != nil {
			if !fault.IsInput(err) {
				t.Errorf("%v is no input error", err)
			}
			return
		}
		file, err := safetensors.Decode("w", content)
		if err != nil {
			t.Fatal(err)
		}
		if p, err := sda.New(a, file); err == nil {
			if _, err := p.Denoiser(9, []int{3}); err != nil {
				t.Error(err)
			}
		}
	})
}
