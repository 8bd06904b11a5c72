package bench

import (
	"fmt"

	"retrace/internal/nn/unet"
	"retrace/internal/rng"
)

// UNets returns probes of the U-Net of Rozet & Louppe (2023) for the Kolmogorov
// flow: windows of 5 states of two fields and three blocks a level and direction.
// They count windows. Training makes the filters from the weights in every step;
// the optimiser is not timed.
func UNets() []Probe {
	var probes []Probe
	for _, batch := range []int{1, 8} {
		for _, work := range []string{forward, guided, training} {
			if batch == 1 && work == training {
				continue
			}
			probes = append(probes, unetProbe(batch, work))
		}
	}
	return probes
}

const (
	unetChannels = 30
	unetSize     = 64
	unetBlocks   = 3
)

var unetLevels = []int{96, 192, 384}

func unetProbe(batch int, work string) Probe {
	return Probe{
		Counts: []Count{{fmt.Sprintf("u-net %v x %d, %d x %d, batch %d", unetLevels, unetBlocks, unetSize, unetSize, batch), work, Executions, float64(batch)}},
		Whole:  true,
		Peer: Request{"kind": "unet", "levels": unetLevels, "blocks": unetBlocks, "channels": unetChannels,
			"size": unetSize, "batch": batch, "work": peerWork[work]},
		Worker: func() (func() error, error) { return unetWorker(batch, work) },
	}
}

func unetWorker(batch int, work string) (func() error, error) {
	shape := unet.Shape{
		In: unetChannels, Out: unetChannels, Embedding: 64, Spatial: 2,
		Kernel: unet.Grid{Rows: 3, Columns: 3}, Step: unet.Grid{Rows: 2, Columns: 2},
	}
	for _, channels := range unetLevels {
		shape.Levels = append(shape.Levels, unet.Level{Channels: channels, Blocks: unetBlocks})
	}
	network, err := unet.New(shape)
	if err != nil {
		return nil, err
	}
	network.Init(rng.Stream(0, "bench"))
	network.Refresh()
	w, err := unet.NewWorkspace(network, unet.Size{Batch: batch, Frames: 1, Grid: unet.Grid{Rows: unetSize, Columns: unetSize}, ChannelsLast: true})
	if err != nil {
		return nil, err
	}
	size := batch * unetSize * unetSize * unetChannels
	in, out, gin, gout := values(size), make([]float32, size), make([]float32, size), values(size)
	times, grad := []float32{0.5}, make([]float32, len(network.Slab()))
	return func() error {
		if work == training {
			network.Refresh()
		}
		w.Forward(out, in, times)
		switch work {
		case guided:
			w.PullInput(gin, gout)
		case training:
			clear(grad)
			w.PullAll(nil, gout, grad)
		}
		return nil
	}, nil
}
