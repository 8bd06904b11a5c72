package scoresum

import (
	"context"

	"retrace/diffusion"
	"retrace/internal/parallel"
	"retrace/internal/rng"
	"retrace/trajectory"
)

// SampleRows is the number of trajectories that one worker draws at once: few
// enough for their activations to stay in its cache. It does not change a byte
// of a sample.
const SampleRows = 4

// ChunkWindows bounds the windows of one length that go through the network at
// once, and so the memory of a worker.
const ChunkWindows = 256

// Draw is an unconditional draw: how many trajectories, of how many states,
// under which seed.
type Draw struct {
	Members, Length int
	Seed            int64
}

// Sample draws trajectories from the prior, in physical units, with the leading
// dimension "member". progress may be nil; it counts evaluations of the prior.
func (p *Prior) Sample(ctx context.Context, draw Draw, sampler diffusion.PredictorCorrector, progress func(done, total int)) (*trajectory.Set, error) {
	set := trajectory.New(p.Space, p.Clock, []trajectory.Dimension{{Name: "member", Len: draw.Members}}, draw.Length)
	newDenoiser := func() (diffusion.Denoiser, error) { return p.Denoiser(draw.Length, SampleRows, ChunkWindows) }
	noise := func() diffusion.Noise { return NewNoise(draw.Seed, "sample", 0) }
	err := SampleMembers(ctx, set.Data, sampler, newDenoiser, noise, progress)
	if err != nil {
		return nil, err
	}
	p.Standard.Inverse(set.Data, set.Data)
	return set, nil
}

// SampleMembers fills x with samples in standardised units, on all cores, a few
// rows of every worker's own denoiser at a time. Member k is the same however
// many there are.
func SampleMembers(ctx context.Context, x []float32, sampler diffusion.PredictorCorrector,
	newDenoiser func() (diffusion.Denoiser, error), newNoise func() diffusion.Noise, progress func(done, total int)) error {
	first, err := newDenoiser()
	if err != nil {
		return err
	}
	dim := first.Dim()
	members := len(x) / dim
	blocks := (members + SampleRows - 1) / SampleRows
	denoisers := make([]diffusion.Denoiser, parallel.Workers(blocks))
	denoisers[0] = first
	for i := 1; i < len(denoisers); i++ {
		if denoisers[i], err = newDenoiser(); err != nil {
			return err
		}
	}
	noises := make([]diffusion.Noise, len(denoisers))
	for i := range noises {
		noises[i] = newNoise()
	}
	count := parallel.Counter(blocks*sampler.Evaluations(), progress)
	return parallel.For(ctx, blocks, func(worker, block int) error {
		begin := block * SampleRows
		end := min(begin+SampleRows, members)
		return sampler.Sample(ctx, denoisers[worker], x[begin*dim:end*dim], begin, noises[worker], count)
	})
}

// memberNoise addresses noise by (seed, purpose, case, member, draw).
type memberNoise struct {
	source     *rng.Source
	experiment uint64
}

// NewNoise returns the noise of one case of a purpose. It is not safe for
// concurrent use.
func NewNoise(seed int64, purpose string, number int) diffusion.Noise {
	return &memberNoise{rng.NewSource(seed, purpose), uint64(number)}
}

// Normal implements diffusion.Noise; index is the member.
func (n *memberNoise) Normal(row []float32, index, draw int) {
	r := n.source.At(n.experiment, uint64(index), uint64(draw))
	for i := range row {
		row[i] = float32(r.NormFloat64())
	}
}
