package scoresum

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"retrace/internal/fault"
	"retrace/internal/safetensors"
)

// CheckpointName is the file of a prior's folder that an interrupted training
// goes on from: weights, moments and moving average of the optimiser, the step
// and the training curve.
const CheckpointName = "checkpoint.safetensors"

// save writes checkpoint and training curve.
func (t *trainer) save(dir string) error {
	curve, err := json.Marshal(t.curve)
	if err != nil {
		return fmt.Errorf("scoresum: writing a checkpoint: %w", err)
	}
	file := &safetensors.File{Metadata: map[string]string{
		"run": t.identity, "step": fmt.Sprint(t.optimiser.Steps), "curve": string(curve),
	}}
	for name, slab := range t.slabs() {
		file.Tensors = append(file.Tensors, safetensors.Tensor{Name: name, Shape: []int{len(slab)}, Data: slab})
	}
	if err := safetensors.Write(filepath.Join(dir, CheckpointName), file); err != nil {
		return err
	}
	return writeCurve(filepath.Join(dir, CurveName), t.curve)
}

func (t *trainer) slabs() map[string][]float32 {
	return map[string][]float32{
		"weights": t.prior.network.weights(), "first": t.optimiser.First, "second": t.optimiser.Second, "average": t.optimiser.Average,
	}
}

// resume restores the checkpoint in dir, if there is one of this run. One of
// another run, or one that cannot be read, is left behind by something else: it
// is ignored and overwritten.
func (t *trainer) resume(dir string) error {
	file, err := safetensors.Read(filepath.Join(dir, CheckpointName))
	switch {
	case errors.Is(err, fs.ErrNotExist) || fault.IsInput(err):
		return nil
	case err != nil:
		return err
	}
	if file.Metadata["run"] != t.identity {
		return nil
	}
	for name, slab := range t.slabs() {
		data, err := tensor(file, name, []int{len(slab)})
		if err != nil {
			return fault.Inputf("%s: %w; delete the file", filepath.Join(dir, CheckpointName), err)
		}
		copy(slab, data)
	}
	_, step := fmt.Sscan(file.Metadata["step"], &t.optimiser.Steps)
	if err := errors.Join(step, json.Unmarshal([]byte(file.Metadata["curve"]), &t.curve)); err != nil {
		return fault.Inputf("%s: %w; delete the file", filepath.Join(dir, CheckpointName), err)
	}
	t.prior.network.refresh()
	return nil
}

// identify names a training run by all that decides its bytes.
func identify(s Settings, data Data) (string, error) {
	hash := sha256.New()
	text, err := json.Marshal(struct {
		Settings
		Standard any
		Seed     int64
	}{s, data.Standard, data.Seed})
	if err != nil {
		return "", fmt.Errorf("scoresum: %w", err)
	}
	hash.Write(text)
	inputs := [][]float32{data.Training.Data, data.Validation.Data}
	if data.Start != nil {
		inputs = append(inputs, data.Start.network.weights())
	}
	for _, values := range inputs {
		if err := binary.Write(hash, binary.LittleEndian, values); err != nil {
			return "", fmt.Errorf("scoresum: %w", err)
		}
	}
	return hex.EncodeToString(hash.Sum(nil)), nil
}

// removeCheckpoint deletes the checkpoint of a training that is done and saved.
func removeCheckpoint(dir string) error {
	err := os.Remove(filepath.Join(dir, CheckpointName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
