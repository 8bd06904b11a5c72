package em

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"retrace/internal/atomicfile"
	"retrace/internal/fault"
	"retrace/internal/npy"
)

// LedgerName is the file of a folder of laps that lists them.
const LedgerName = "laps.json"

// Lap is what is known of a prior.
type Lap struct {
	// Name is gaussian, for the prior that the first lap starts from, the number of
	// the lap, or clean, for the prior trained on the truth.
	Name string `json:"name"`
	// Evidence is the held-out log evidence of a value, on average; see evidence.go.
	Evidence float64 `json:"evidence"`
	// Gain is how much of it the lap adds to the best one before, Noise the standard
	// error of that.
	Gain  float64 `json:"gain"`
	Noise float64 `json:"noise"`
	// Divergence from the truth, and what two samples of the truth are apart; nil if
	// the truth is not known. Of kind sinkhorn, the floor is subtracted.
	Divergence *float64 `json:"divergence,omitempty"`
	Floor      *float64 `json:"floor,omitempty"`
	// Sd is the factor on the standard deviation of the noise.
	Sd float64 `json:"sd_factor"`
	// Residual is the root mean square of (y - A x)/sd over the posterior draws that the
	// lap learnt from: near 1 if prior, noise and sampler fit each other. 0 of others.
	Residual float64 `json:"residual,omitempty"`
	// Dropped counts posterior draws that went astray and were not learnt from.
	Dropped int `json:"dropped"`
	// Stopped says why the lap was the last, if it was before its time.
	Stopped string `json:"stopped,omitempty"`
	// Chosen marks the lap whose prior is the result.
	Chosen bool `json:"chosen,omitempty"`
}

// ReadLaps reads the ledger of a folder. A missing file is fs.ErrNotExist.
func ReadLaps(dir string) ([]Lap, error) {
	path := filepath.Join(dir, LedgerName)
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var laps []Lap
	if err := json.Unmarshal(text, &laps); err != nil {
		return nil, fault.Inputf("%s: %w; delete the folder and run again", path, err)
	}
	return laps, nil
}

func writeLaps(dir string, laps []Lap) error {
	text, err := json.MarshalIndent(laps, "", " ")
	if err != nil {
		return fmt.Errorf("em: %w", err)
	}
	return atomicfile.Write(filepath.Join(dir, LedgerName), append(text, '\n'))
}

// scoreName is the file of a lap's folder that holds the evidence of each held-out
// record and, last, the error due to the number of draws.
const scoreName = "evidence.npy"

func writeScore(dir string, s score) error {
	values := append(append([]float64(nil), s.Records...), s.Sampling)
	return npy.Write(filepath.Join(dir, scoreName), []int{len(values)}, values)
}

func readScore(dir string) (score, error) {
	_, values, err := npy.Read[float64](filepath.Join(dir, scoreName))
	if err != nil {
		return score{}, err
	}
	if len(values) < 2 {
		return score{}, fault.Inputf("%s: holds no evidence; delete the folder and run again", filepath.Join(dir, scoreName))
	}
	return score{values[:len(values)-1], values[len(values)-1]}, nil
}

// exists reports whether a file or store is there.
func exists(path string) (bool, error) {
	_, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}
