package kernel

// Moments are the slabs that an AdamW step updates, all of the same length:
// the parameters, the first and second moments of their gradient, and the
// moving average of the parameters.
type Moments struct {
	Parameters, First, Second, Average []float32
}

// AdamStep holds the numbers of one AdamW step.
type AdamStep struct {
	Scale        float32 // factor of the gradient (clipping)
	Beta1, Beta2 float32 // decay of the moments
	Correction   float32 // 1/(1 - Beta2^step)
	Epsilon      float32
	Decay        float32 // factor of the parameters: 1 - rate times weight decay
	Rate         float32 // learning rate/(1 - Beta1^step)
	Fresh        float32 // share of the new parameters in the average
}

// AdamW updates the slabs from the gradient in one pass:
//
//	g = Scale gradient
//	First  = Beta1 First + (1-Beta1) g
//	Second = Beta2 Second + (1-Beta2) g^2
//	Parameters = Decay Parameters - Rate First/(sqrt(Correction Second) + Epsilon)
//	Average += Fresh (Parameters - Average)
func AdamW(m Moments, gradient []float32, s AdamStep) {
	n := len(gradient)
	if len(m.Parameters) != n || len(m.First) != n || len(m.Second) != n || len(m.Average) != n {
		panic("kernel: lengths do not match")
	}
	if n == 0 {
		return
	}
	args := adamArgs{
		pointer(m.Parameters), pointer(gradient), pointer(m.First), pointer(m.Second), pointer(m.Average), n / vector * vector,
		s.Scale, s.Beta1, 1 - s.Beta1, s.Beta2, 1 - s.Beta2, s.Correction, s.Epsilon, s.Decay, s.Rate, s.Fresh,
	}
	if args.n > 0 {
		adam(&args)
	}
	if whole := args.n; whole < n {
		args.parameters, args.gradient = pointer(m.Parameters[whole:]), pointer(gradient[whole:])
		args.first, args.second, args.average = pointer(m.First[whole:]), pointer(m.Second[whole:]), pointer(m.Average[whole:])
		args.n = n - whole
		adamGeneric(&args)
	}
}
