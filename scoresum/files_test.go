package scoresum

import (
	"errors"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"retrace/internal/fault"
	"retrace/internal/safetensors"
)

// savedPrior writes a prior of random weights.
func savedPrior(t testing.TB, dir string) *Prior {
	t.Helper()
	p := randomPrior(t, networks()["temporal"], 2)
	setFractions(p, 0.5)
	if err := p.Save(dir); err != nil {
		t.Fatal(err)
	}
	return p
}

func TestSavedPriorsDenoiseAlike(t *testing.T) {
	for name, s := range networks() {
		dir := t.TempDir()
		p := randomPrior(t, s, 2)
		setFractions(p, 0.5)
		if err := p.Save(dir); err != nil {
			t.Fatal(err)
		}
		q, err := Load(dir)
		if err != nil {
			t.Fatal(err)
		}
		x := draws(p, 2, 20, noisy[1])
		a, b := denoise(t, denoiser(t, p, 20, 2, 8), x, noisy[1]), denoise(t, denoiser(t, q, 20, 2, 8), x, noisy[1])
		if !slices.Equal(a, b) {
			t.Errorf("%s: means differ", name)
		}
		if !reflect.DeepEqual(q.Settings, p.Settings) || q.Clock != p.Clock || q.Space.Size() != 2 || !slices.Equal(q.Standard.Scale, p.Standard.Scale) {
			t.Errorf("%s: settings, space, clock or scale differ: %+v", name, q)
		}
		if q.Parameters() != p.Parameters() {
			t.Errorf("%s: %d parameters, %d before", name, q.Parameters(), p.Parameters())
		}
		u, errU := p.Uncertainty(12, 0.3)
		v, errV := q.Uncertainty(12, 0.3)
		if errU != nil || errV != nil {
			t.Fatal(errU, errV)
		}
		if !slices.Equal(u.RawSymmetric().Data, v.RawSymmetric().Data) {
			t.Errorf("%s: uncertainties differ", name)
		}
		again := t.TempDir()
		if err := q.Save(again); err != nil {
			t.Fatal(err)
		}
		if read(t, dir, WeightsName) != read(t, again, WeightsName) {
			t.Errorf("%s: saved again, the file differs", name)
		}
	}
}

// tensorOf returns the tensor of a name to be damaged.
func tensorOf(f *safetensors.File, name string) *safetensors.Tensor {
	return &f.Tensors[slices.IndexFunc(f.Tensors, func(t safetensors.Tensor) bool { return t.Name == name })]
}

// Priors written before a setting existed have its default.
func TestSettingsMissingInAFileAreDefaults(t *testing.T) {
	dir := t.TempDir()
	p, path := savedPrior(t, dir), filepath.Join(dir, WeightsName)
	file, err := safetensors.Read(path)
	if err != nil {
		t.Fatal(err)
	}
	before := file.Metadata["settings"]
	file.Metadata["settings"] = strings.Replace(before, `"Schedule":"cosine",`, "", 1)
	if file.Metadata["settings"] == before {
		t.Fatalf("no schedule in %s", before)
	}
	if err := safetensors.Write(path, file); err != nil {
		t.Fatal(err)
	}
	if q, err := Load(dir); err != nil || !reflect.DeepEqual(q.Settings, p.Settings) {
		t.Errorf("settings %+v, error %v", q, err)
	}
}

func TestDamagedPriorsAreInputErrors(t *testing.T) {
	dir := t.TempDir()
	savedPrior(t, dir)
	path := filepath.Join(dir, WeightsName)
	whole := read(t, path)
	remove := func(name string) func(*safetensors.File) {
		return func(f *safetensors.File) {
			f.Tensors = slices.DeleteFunc(f.Tensors, func(t safetensors.Tensor) bool { return t.Name == name })
		}
	}
	replace := func(key, old, new string) func(*safetensors.File) {
		return func(f *safetensors.File) {
			if !strings.Contains(f.Metadata[key], old) {
				t.Fatalf("metadata %s has no %s: %s", key, old, f.Metadata[key])
			}
			f.Metadata[key] = strings.Replace(f.Metadata[key], old, new, 1)
		}
	}
	for _, c := range []struct {
		name   string
		names  string // what the error must name
		damage func(*safetensors.File)
	}{
		{"no weights", "input.weight", remove("input.weight")},
		{"no bias", "blocks.0.second.bias", remove("blocks.0.second.bias")},
		{"no covariance", factorName, remove(factorName)},
		{"another shape", "output.bias", func(f *safetensors.File) {
			q := tensorOf(f, "output.bias")
			q.Shape, q.Data = []int{len(q.Data) + 1}, append(q.Data, 0)
		}},
		{"transposed", "output.weight", func(f *safetensors.File) { slices.Reverse(tensorOf(f, "output.weight").Shape) }},
		{"small covariance", factorName, func(f *safetensors.File) {
			q := tensorOf(f, factorName)
			q.Shape, q.Data = []int{2, 2}, q.Data[:4]
		}},
		{"weight that is not finite", "input.bias", func(f *safetensors.File) { tensorOf(f, "input.bias").Data[1] = float32(math.NaN()) }},
		{"covariance that is not finite", factorName, func(f *safetensors.File) { tensorOf(f, factorName).Data[0] = float32(math.Inf(1)) }},
		{"another format", "format", func(f *safetensors.File) { f.Metadata["format"] = "something else" }},
		{"no metadata", "format", func(f *safetensors.File) { f.Metadata = nil }},
		{"no settings", "settings", func(f *safetensors.File) { delete(f.Metadata, "settings") }},
		{"broken space", "space", func(f *safetensors.File) { f.Metadata["space"] = "{" }},
		{"clock of another type", "clock", func(f *safetensors.File) { f.Metadata["clock"] = "[1]" }},
		{"scale of another length", "standardisation", replace("standard", `"scale":[1,2]`, `"scale":[1]`)},
		{"scale of zero", "scale", replace("standard", `"scale":[1,2]`, `"scale":[1,0]`)},
		{"no such network", "network", replace("settings", `"temporal"`, `"perceptron"`)},
		{"wider network", "input.weight", replace("settings", `"Width":8`, `"Width":10`)},
		{"enormous network", "settings", replace("settings", `"Width":8,"Blocks":1`, `"Width":8192,"Blocks":256`)},
		{"longer window", factorName, replace("settings", `"Window":7`, `"Window":9`)},
		{"more components", "standardisation", replace("space", `["",""]`, `["","",""]`)},
		{"no components", "space", replace("space", `["",""]`, `[]`)},
	} {
		file, err := safetensors.Decode(path, []byte(whole))
		if err != nil {
			t.Fatal(err)
		}
		c.damage(file)
		if err := safetensors.Write(path, file); err != nil {
			t.Fatal(err)
		}
		_, err = Load(dir)
		if !fault.IsInput(err) || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), c.names) {
			t.Errorf("%s: error %v", c.name, err)
		}
	}
	for _, n := range []int{0, 7, 100, len(whole) / 2, len(whole) - 1} {
		if err := os.WriteFile(path, []byte(whole[:n]), 0o666); err != nil {
			t.Fatal(err)
		}
		if _, err := Load(dir); !fault.IsInput(err) || !strings.Contains(err.Error(), path) {
			t.Errorf("%d of %d bytes: error %v", n, len(whole), err)
		}
	}
	if _, err := Load(t.TempDir()); !fault.IsInput(err) || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no file: error %v", err)
	}
}

func TestSaveToAFolderThatIsMissing(t *testing.T) {
	p := randomPrior(t, networks()["temporal"], 2)
	setFractions(p, 0.5)
	if err := p.Save(filepath.Join(t.TempDir(), "missing")); err == nil || fault.IsInput(err) {
		t.Errorf("error %v", err)
	}
}

// Whatever a file holds, it is refused or makes a prior that works.
func FuzzDecode(f *testing.F) {
	dir := f.TempDir()
	savedPrior(f, dir)
	whole := []byte(read(f, dir, WeightsName))
	f.Add(whole)
	f.Add(whole[:len(whole)/2])
	f.Add([]byte{})
	for _, c := range [][2]string{
		{`\"Window\":7`, `\"Window\":3`}, {`\"Patch\":1`, `\"Patch\":2`}, {`temporal`, `mlp     `}, {`\"Stride\":3`, `\"Stride\":7`},
		{`retrace prior 1`, `retrace prior 2`}, {`[\"\",\"\"]`, `[         ]`}, {`[1,2]`, `[0,2]`}, {`F32`, `F16`},
	} {
		if !strings.Contains(string(whole), c[0]) {
			f.Fatalf("no %s in the file", c[0])
		}
		f.Add([]byte(strings.Replace(string(whole), c[0], c[1], 1)))
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		file, err := safetensors.Decode("file", content)
		if err != nil {
			return
		}
		p, err := decode(file)
		if err != nil {
			return
		}
		if p.Dim()*p.Settings.Window > 64 {
			return
		}
		d, err := p.Denoiser(p.Settings.Window+2, 1, 2)
		if err != nil {
			return
		}
		// A network of hostile weights may overflow, which must be an error.
		x := make([]float32, d.Dim())
		if d.Denoise(x, gaussians(d.Dim()), noisy[1]) != nil {
			return
		}
		for i, v := range x {
			if v-v != 0 {
				t.Fatalf("mean %d is %v", i, v)
			}
		}
		if _, err := p.Uncertainty(p.Settings.Window+2, 0.5); err != nil {
			return
		}
	})
}
