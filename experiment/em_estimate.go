package experiment

// learning estimates learning from observations: training in every lap, and the draws
// from the posterior of every record, each evaluation of which is a pass forward and, of
// covariance tweedie, several backward.
func (e *estimator) learning() error {
	x, l := e.Trajectories, e.Learning
	laps := float64(l.Laps)
	steps := (laps + float64(l.Last) - 1) * float64(e.Prior.Training.Steps)
	if l.Clean {
		steps *= 2
	}
	denoise, err := denoiseSeconds(e.prior, x.TrainLength)
	if err != nil {
		return err
	}
	if l.Covariance == "tweedie" {
		denoise *= float64(1+l.Iterations) / 2 // measured with one pass backward
	}
	sampler, err := l.Sampler.build()
	if err != nil {
		return err
	}
	evaluations := laps * float64(l.Draws*x.Train+min(l.HeldOut, x.Validation)) * float64(sampler.Evaluations())
	bytes := int64(l.Draws*x.Train+x.Validation) * int64(x.TrainLength) * e.size * 4
	e.add(Estimate{Unit: "train", Work: "network evaluations", Count: evaluations, Memory: 3 * bytes, Disk: bytes},
		steps*e.trainStep+evaluations*denoise/e.cores)
	return nil
}
