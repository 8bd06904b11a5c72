package zarr_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"retrace/internal/fault"
	"retrace/internal/zarr"
)

// plain is the .zarray of a 1-d array of 4 values in uncompressed chunks of 2.
const plain = `{"zarr_format":2,"shape":[4],"chunks":[2],"dtype":"<f4","fill_value":null,"order":"C","compressor":null,"filters":null}`

// forge makes a directory whose consolidated metadata describe the array "q".
func forge(t testing.TB, array string) string {
	t.Helper()
	return forgeNamed(t, "q", array)
}

func forgeNamed(t testing.TB, name, array string) string {
	t.Helper()
	dir := t.TempDir()
	text := fmt.Sprintf(`{"zarr_consolidated_format":1,"metadata":{".zgroup":{"zarr_format":2},"%s/.zarray":%s}}`, name, array)
	if err := os.WriteFile(filepath.Join(dir, ".zmetadata"), []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestHostileMetadataIsAnInputError(t *testing.T) {
	replace := func(old, new string) string { return strings.Replace(plain, old, new, 1) }
	for name, array := range map[string]string{
		"not an object":        `[]`,
		"format 3":             replace(`"zarr_format":2`, `"zarr_format":3`),
		"negative shape":       replace(`"shape":[4]`, `"shape":[-4]`),
		"fractional shape":     replace(`"shape":[4]`, `"shape":[4.5]`),
		"shape beyond int64":   replace(`"shape":[4]`, `"shape":[99999999999999999999]`),
		"huge shape":           replace(`"shape":[4]`, `"shape":[4611686018427387904]`),
		"huge product":         strings.NewReplacer(`"shape":[4]`, `"shape":[4294967296,4294967296]`, `"chunks":[2]`, `"chunks":[1,1]`).Replace(plain),
		"huge beside empty":    strings.NewReplacer(`"shape":[4]`, `"shape":[0,4611686018427387904,4]`, `"chunks":[2]`, `"chunks":[1,1,1]`).Replace(plain),
		"negative chunk":       replace(`"chunks":[2]`, `"chunks":[-2]`),
		"zero chunk":           replace(`"chunks":[2]`, `"chunks":[0]`),
		"huge chunk":           replace(`"chunks":[2]`, `"chunks":[4611686018427387904]`),
		"chunks of other rank": replace(`"chunks":[2]`, `"chunks":[2,2]`),
		"no chunks":            replace(`"chunks":[2],`, ``),
		"shape is text":        replace(`"shape":[4]`, `"shape":"4"`),
	} {
		dir := forge(t, array)
		_, err := zarr.Open(dir)
		if !fault.IsInput(err) || !strings.Contains(err.Error(), filepath.Join(dir, ".zmetadata")) || !strings.Contains(err.Error(), `"q"`) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, name := range []string{"../q", "..", "/etc", "a/b", `a\\b`, "", "."} {
		if _, err := zarr.Open(forgeNamed(t, name, plain)); !fault.IsInput(err) {
			t.Errorf("array name %q: %v", name, err)
		}
	}
}

func TestUnsupportedArraysAreNamedWhenRead(t *testing.T) {
	for name, c := range map[string]struct{ old, new, want string }{
		"big-endian":   {`"<f4"`, `">f4"`, ">f4"},
		"structured":   {`"<f4"`, `[["x","<f4"]]`, "type"},
		"Fortran":      {`"C"`, `"F"`, "order"},
		"blosc":        {`"compressor":null`, `"compressor":{"id":"blosc","cname":"lz4"}`, "numcodecs.Zstd()"},
		"delta filter": {`"filters":null`, `"filters":[{"id":"delta"}]`, "delta"},
		"separator":    {`"order"`, `"dimension_separator":"../","order"`, "dimension_separator"},
		"fill value":   {`"fill_value":null`, `"fill_value":"many"`, "fill_value"},
	} {
		dir := forge(t, strings.Replace(plain, c.old, c.new, 1))
		s, err := zarr.Open(dir)
		if err != nil {
			t.Errorf("%s: an array that is not read spoils the store: %v", name, err)
			continue
		}
		_, err = zarr.Read[float32](s, "q", zarr.Region{})
		if !fault.IsInput(err) || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), dir) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestWhatIsNotAStoreIsAnInputError(t *testing.T) {
	dir := t.TempDir()
	write := func(name, content string) string {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o666); err != nil {
			t.Fatal(err)
		}
		return filepath.Dir(path)
	}
	for path, want := range map[string]string{
		filepath.Join(dir, "absent"):                        "no such",
		filepath.Join(write("f/file", ""), "file"):          "not a Zarr store",
		write("empty/readme", ""):                           "no .zmetadata",
		write("cut/.zgroup", "{}"):                          "did not finish",
		write("v3/zarr.json", "{}"):                         "version 3",
		write("broken/.zmetadata", "{\n\n]"):                "line 3",
		write("nothing/.zmetadata", ""):                     "JSON",
		write("null/.zmetadata", "null"):                    "consolidated",
		filepath.Dir(write("directory/.zmetadata/sub", "")): "regular",
		write("attributes/.zmetadata", `{"zarr_consolidated_format":1,"metadata":{".zattrs":[1]}}`): ".zattrs",
	} {
		_, err := zarr.Open(path)
		if !fault.IsInput(err) || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v, want an input error with %q", path, err, want)
		}
	}
}

func TestMissingChunk(t *testing.T) {
	dir := forge(t, strings.Replace(plain, `"fill_value":null`, `"fill_value":-1.5`, 1))
	if err := os.MkdirAll(filepath.Join(dir, "q"), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "q", "1"), make([]byte, 8), 0o666); err != nil {
		t.Fatal(err)
	}
	s := open(t, dir)
	_, err := zarr.Read[float32](s, "q", zarr.Region{})
	if !fault.IsInput(err) || !strings.Contains(err.Error(), filepath.Join(dir, "q", "0")) || !strings.Contains(err.Error(), "truncated") {
		t.Errorf("missing chunk: %v", err)
	}
	if got, err := zarr.Read[float32](s, "q", zarr.Region{Start: []int{2}, Shape: []int{2}}); err != nil || !slices.Equal(got, []float32{0, 0}) {
		t.Errorf("the chunk that is there: %v, %v", got, err)
	}
	s.FillMissing = true
	if got, err := zarr.Read[float32](s, "q", zarr.Region{}); err != nil || !slices.Equal(got, []float32{-1.5, -1.5, 0, 0}) {
		t.Errorf("filled: %v, %v", got, err)
	}
	undefined := open(t, forge(t, plain))
	undefined.FillMissing = true
	if _, err := zarr.Read[float32](undefined, "q", zarr.Region{}); !fault.IsInput(err) {
		t.Errorf("missing chunk without a fill value: %v", err)
	}
	enormous := open(t, forge(t, strings.Replace(plain, `[4]`, `[1000000000000]`, 1)))
	for range 2 {
		if _, err := zarr.Read[float32](enormous, "q", zarr.Region{}); !fault.IsInput(err) {
			t.Errorf("a terabyte without chunks, filling %v: %v", enormous.FillMissing, err)
		}
		enormous.FillMissing = true
	}
}

// damaged writes a store of one chunk and returns it with the chunk's file and
// the values.
func damaged(t testing.TB) (*zarr.Store, string, []float32) {
	t.Helper()
	values := []float32{1, 2.5, -3, 1e-20, 0, 7}
	path := filepath.Join(t.TempDir(), "x.zarr")
	save(t, path, zarr.Array{Name: "x", Dimensions: []string{"i"}, Shape: []int{6}, Type: zarr.Float32}, values)
	return open(t, path), filepath.Join(path, "x", "0"), values
}

func TestEveryDamageToAChunkIsFound(t *testing.T) {
	s, file, values := damaged(t)
	good, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	check := func(what string, content []byte) {
		t.Helper()
		if err := os.WriteFile(file, content, 0o666); err != nil {
			t.Fatal(err)
		}
		got, err := zarr.Read[float32](s, "x", zarr.Region{})
		if err == nil && slices.Equal(got, values) {
			return // the damage hit a bit without meaning
		}
		if !fault.IsInput(err) || !strings.Contains(err.Error(), file) {
			t.Errorf("%s: %v, %v", what, got, err)
		}
	}
	for n := range good {
		check(fmt.Sprintf("cut to %d bytes", n), good[:n])
		for bit := range 8 {
			flipped := slices.Clone(good)
			flipped[n] ^= 1 << bit
			check(fmt.Sprintf("bit %d of byte %d", bit, n), flipped)
		}
	}
	check("a longer file", append(slices.Clone(good), 1))
	check("the chunk twice", append(slices.Clone(good), good...))
	check("a huge file", make([]byte, 1<<20))
}

func FuzzChunk(f *testing.F) {
	s, file, values := damaged(f)
	good, err := os.ReadFile(file)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add([]byte{})
	f.Add(good[:len(good)/2])
	f.Fuzz(func(t *testing.T, content []byte) {
		if err := os.WriteFile(file, content, 0o666); err != nil {
			t.Fatal(err)
		}
		got, err := zarr.Read[float32](s, "x", zarr.Region{})
		if err == nil && len(got) != len(values) {
			t.Errorf("%d values", len(got))
		}
		if err != nil && !fault.IsInput(err) {
			t.Errorf("not an input error: %v", err)
		}
	})
}

func FuzzMetadata(f *testing.F) {
	f.Add(plain)
	f.Add(strings.Replace(plain, `"<f4"`, `"<U3"`, 1))
	f.Add(strings.Replace(plain, `"compressor":null`, `"compressor":{"id":"zstd"}`, 1))
	f.Add(strings.Replace(plain, `"filters":null`, `"filters":[{"id":"shuffle","elementsize":8}]`, 1))
	f.Add(strings.Replace(plain, `[4]`, `[1000000000000]`, 1))
	f.Add(`{"zarr_format":2,"shape":[],"chunks":[],"dtype":"<i8","fill_value":0,"order":"C","dimension_separator":"/"}`)
	dir := f.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "q"), 0o777); err != nil {
		f.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "q", "0"), make([]byte, 8), 0o666); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, array string) {
		text := `{"zarr_consolidated_format":1,"metadata":{"q/.zarray":` + array + `}}`
		if err := os.WriteFile(filepath.Join(dir, ".zmetadata"), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
		s, err := zarr.Open(dir)
		if err == nil {
			for range 2 {
				_, err = zarr.Read[float64](s, "q", zarr.Region{})
				_, textErr := zarr.Read[string](s, "q", zarr.Region{})
				if textErr != nil && !fault.IsInput(textErr) {
					t.Errorf("not an input error: %v", textErr)
				}
				s.FillMissing = true
			}
		}
		if err != nil && !fault.IsInput(err) {
			t.Errorf("not an input error: %v", err)
		}
	})
}
