package safetensors_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"retrace/internal/fault"
	"retrace/internal/safetensors"
)

// raw assembles a file from the text of its header and its data.
func raw(header string, data ...byte) []byte {
	b := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
	return append(append(b, header...), data...)
}

func sample() *safetensors.File {
	return &safetensors.File{
		Tensors: []safetensors.Tensor{
			{"weight", []int{2, 3}, []float32{1, 2, 3, -4, float32(math.Inf(1)), math.SmallestNonzeroFloat32}},
			{"bias", []int{2}, []float32{0.5, -0.25}},
			{"scale \"é\"", nil, []float32{7}},
			{"empty", []int{0, 4}, nil},
		},
		Metadata: map[string]string{"step": "12", "<note>": "größer"},
	}
}

func equal(a, b safetensors.Tensor) bool {
	return a.Name == b.Name && slices.Equal(a.Shape, b.Shape) && slices.Equal(a.Data, b.Data)
}

func TestWhatIsWrittenIsRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "w.safetensors")
	want := sample()
	for range 2 { // the second time over the first file
		if err := safetensors.Write(path, want); err != nil {
			t.Fatal(err)
		}
	}
	got, err := safetensors.Read(path)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.IsSortedFunc(got.Tensors, func(a, b safetensors.Tensor) int { return strings.Compare(a.Name, b.Name) }) {
		t.Error("tensors are not sorted")
	}
	for _, w := range want.Tensors {
		if g, ok := got.Tensor(w.Name); !ok || !equal(g, w) {
			t.Errorf("%q: got %v, want %v", w.Name, g, w)
		}
	}
	if len(got.Tensors) != len(want.Tensors) || fmt.Sprint(got.Metadata) != fmt.Sprint(want.Metadata) {
		t.Errorf("got %d tensors and metadata %v", len(got.Tensors), got.Metadata)
	}
	if left, _ := os.ReadDir(filepath.Dir(path)); len(left) != 1 {
		t.Errorf("%d files in the folder, want 1", len(left))
	}
}

func TestEqualContentsAreEqualBytes(t *testing.T) {
	a, b := sample(), sample()
	slices.Reverse(b.Tensors)
	x := safetensors.Encode(a)
	if !bytes.Equal(x, safetensors.Encode(b)) {
		t.Error("the order of tensors changes the file")
	}
	if n := binary.LittleEndian.Uint64(x); n%8 != 0 {
		t.Errorf("header of %d bytes does not align the data", n)
	}
}

func TestBrokenFilesAreInputErrors(t *testing.T) {
	entry := func(dtype, shape, offsets string) string {
		return fmt.Sprintf(`{"w":{"dtype":%s,"shape":%s,"data_offsets":%s}}`, dtype, shape, offsets)
	}
	eight := make([]byte, 8)
	for name, c := range map[string]struct {
		content []byte
		want    string // in the message
	}{
		"empty":              {nil, "length of the header"},
		"short":              {[]byte{1, 2}, "length of the header"},
		"huge header":        {bytes.Repeat([]byte{255}, 16), "at most"},
		"header cut off":     {raw(entry(`"F32"`, "[2]", "[0,8]"))[:20], "truncated"},
		"data cut off":       {raw(entry(`"F32"`, "[2]", "[0,8]"), 1, 2, 3), `"w": truncated`},
		"data left over":     {raw(entry(`"F32"`, "[1]", "[0,4]"), eight...), "after the last"},
		"gap":                {raw(entry(`"F32"`, "[1]", "[4,8]"), eight...), `"w": unused bytes`},
		"overlap":            {raw(`{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}`, eight...), `"b": its data starts`},
		"no object":          {raw("[]"), "{"},
		"not JSON":           {raw("{nonsense}"), "broken JSON"},
		"text after":         {raw("{} {}"), "after the JSON"},
		"cut JSON":           {raw(`{"w":{"dtype":"F32"`), "broken JSON"},
		"not UTF-8":          {raw("{\"\xff\":1}"), "UTF-8"},
		"empty header":       {raw(""), "{"},
		"dtype":              {raw(entry(`"F16"`, "[4]", "[0,8]"), eight...), `"w": dtype "F16"`},
		"dtype no string":    {raw(entry(`32`, "[2]", "[0,8]"), eight...), `"dtype"`},
		"negative shape":     {raw(entry(`"F32"`, "[-2]", "[0,8]"), eight...), "shape [-2]"},
		"fractional shape":   {raw(entry(`"F32"`, "[2.5]", "[0,8]"), eight...), `"shape"`},
		"null shape":         {raw(entry(`"F32"`, "null", "[0,4]"), eight...), "null"},
		"shape overflows":    {raw(entry(`"F32"`, "[4294967296,4294967296,4]", "[0,8]"), eight...), "shape"},
		"shape and offsets":  {raw(entry(`"F32"`, "[3]", "[0,8]"), eight...), "does not match"},
		"offsets reversed":   {raw(entry(`"F32"`, "[2]", "[8,0]"), eight...), "data_offsets"},
		"offsets negative":   {raw(entry(`"F32"`, "[2]", "[-8,0]"), eight...), "data_offsets"},
		"one offset":         {raw(entry(`"F32"`, "[2]", "[8]"), eight...), "data_offsets"},
		"unknown key":        {raw(`{"w":{"dtype":"F32","shape":[],"offset":[0,4]}}`, 0, 0, 0, 0), `unknown key "offset"`},
		"missing key":        {raw(`{"w":{"dtype":"F32","shape":[]}}`), "needs"},
		"tensor twice":       {raw(`{"w":{"dtype":"F32","shape":[0],"data_offsets":[0,0]},"w":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}}`), "twice"},
		"metadata no object": {raw(`{"__metadata__":3}`), "__metadata__"},
		"metadata number":    {raw(`{"__metadata__":{"a":3}}`), `"a" is not a string`},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := safetensors.Decode("dir/w.safetensors", c.content)
			if err == nil || !fault.IsInput(err) {
				t.Fatalf("error %v, want an input error", err)
			}
			if m := err.Error(); !strings.HasPrefix(m, "dir/w.safetensors: ") || !strings.Contains(m, c.want) {
				t.Errorf("message %q does not contain %q", m, c.want)
			}
		})
	}
}

func TestMissingFileIsAnInputError(t *testing.T) {
	path := filepath.Join(t.TempDir(), "missing.safetensors")
	_, err := safetensors.Read(path)
	if !fault.IsInput(err) || !strings.Contains(err.Error(), path) {
		t.Errorf("error %v", err)
	}
}

func TestFailureOfTheSystemIsNoInputError(t *testing.T) {
	folder := t.TempDir()
	if _, err := safetensors.Read(folder); err == nil || fault.IsInput(err) {
		t.Errorf("reading a folder: %v", err)
	}
	if err := safetensors.Write(filepath.Join(folder, "none", "w"), sample()); err == nil || fault.IsInput(err) {
		t.Errorf("writing to a missing folder: %v", err)
	}
	// A target that cannot be replaced leaves nothing behind.
	target := filepath.Join(folder, "taken")
	if err := os.MkdirAll(filepath.Join(target, "inside"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := safetensors.Write(target, sample()); err == nil {
		t.Error("a folder was replaced by a file")
	}
	filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if !d.IsDir() {
			t.Errorf("left behind: %s", path)
		}
		return err
	})
}

func TestWrongTensorsPanic(t *testing.T) {
	for name, tensors := range map[string][]safetensors.Tensor{
		"shape":    {{"w", []int{3}, make([]float32, 2)}},
		"twice":    {{"w", []int{1}, make([]float32, 1)}, {"w", []int{1}, make([]float32, 1)}},
		"reserved": {{"__metadata__", []int{1}, make([]float32, 1)}},
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			safetensors.Encode(&safetensors.File{Tensors: tensors})
		})
	}
}

func FuzzDecode(f *testing.F) {
	whole := safetensors.Encode(sample())
	f.Add(whole)
	f.Add(whole[:len(whole)-3])
	f.Add(raw(`{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"__metadata__":{"k":"v"}}`, make([]byte, 8)...))
	f.Add(raw("{}"))
	f.Fuzz(func(t *testing.T, content []byte) {
		file, err := safetensors.Decode("w", content)
		if err != nil {
			if !fault.IsInput(err) {
				t.Fatalf("%v is no input error", err)
			}
			return
		}
		again, err := safetensors.Decode("w", safetensors.Encode(file))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(safetensors.Encode(file), safetensors.Encode(again)) {
			t.Error("writing what was read changes it")
		}
	})
}

func ExampleWrite() {
	folder, err := os.MkdirTemp("", "weights")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(folder)
	path := filepath.Join(folder, "weights.safetensors")
	err = safetensors.Write(path, &safetensors.File{
		Tensors:  []safetensors.Tensor{{Name: "layer.bias", Shape: []int{2}, Data: []float32{0.5, -1}}},
		Metadata: map[string]string{"epoch": "3"},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	file, err := safetensors.Read(path)
	if err != nil {
		fmt.Println(err)
		return
	}
	bias, _ := file.Tensor("layer.bias")
	fmt.Println(bias.Data, file.Metadata["epoch"])
	// Output: [0.5 -1] 3
}
