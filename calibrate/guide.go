package calibrate

// Explanation says in plain words what a test asks and what to do when it fails.
type Explanation struct{ Name, Asks, Cure string }

// Guide explains every test of a battery.
func Guide() []Explanation {
	return []Explanation{
		{"spread of all values", "Looking at every value of every trajectory at once: does the truth stray from the ensemble mean as far as the members do?",
			"Above 1: members are too narrow, so error bars are too small. Take more steps, add corrections, or a guidance that knows the covariance (covariance, mmps). Below 1: too wide; with Langevin corrections, take a smaller tau."},
		{"spread", "The same for one value, one number from each case, so that the probability of a false alarm is exact.",
			"As above. If only the start or the end of trajectories fails, windows are composed badly there."},
		{"bias", "Does the truth lie above the ensemble mean as often, and as far, as below?",
			"The mean is off: look for observations with a bias, a wrong operator, or guidance that pulls too little or too much."},
		{"coverage", "Does the interval that should hold the truth in, say, 90 % of cases do so?",
			"Too few: members are too narrow, or have too thin tails. Too many: too wide."},
		{"rank histogram", "Sort the members: does the truth come first, second, ..., last equally often?",
			"A U shape: too narrow. A dome: too wide. A slope: biased."},
		{"ranks", "Does the truth take every place among the members equally often, judged by the number that the function gives to a trajectory?",
			"log p(y | x): members fit the observations too well, or too badly. Energy and roughness: members are too smooth or too rough, so that they are not trajectories of the model. log p(x): the same, judged by the model's own noise."},
		{"nearness", "From a random point, is the truth nearer than a share u of the members in a share u of the cases? Passed for every point, this alone proves a posterior.",
			"Something about the joint law is wrong that single values may hide: dependence in time, or a mode that is missing."},
		{"area to the curve", "The same, summed up in one number that is negative for members that are too narrow, positive for too wide.",
			"As for the spread."},
		{"withheld spread", "Observations that were not used: do they stray from the prediction as far as the members and the errors of observation say?",
			"Too far: members are too narrow or the errors of observation larger than is claimed (sd). This needs no truth and so holds for real data."},
		{"spectrum", "Fields only: have members as much variance as the truths, at large scales (up to half the Nyquist wavenumber) and at small ones? A tolerance of 15 %, not a question of chance.",
			"Below 1: members are too smooth; train longer, or with a wider network, and take more steps at low noise. Above 1: rough; the sampler stops too early or guidance adds noise."},
		{"inversion residual", "Fields only: do channels that follow from others, such as velocities from potential vorticity, agree with them as well as those of the truth do?",
			"The prior has not learnt the relation: train longer. If only the channels that determine the others are of use, leave the others out."},
		{"model residual", "Fields only: does the model take each state of a member as near to the next as it does in the truth, whose residual is its random forcing and what the states do not show?",
			"Members are no trajectories of the model: a longer window, more training, or more corrections."},
		{"withheld bias", "Observations that were not used: do they lie above the prediction as often as below?",
			"A bias of model, operator or instrument."},
	}
}

// explain finds the explanation of a test.
func explain(name string) Explanation {
	for _, e := range Guide() {
		if e.Name == name {
			return e
		}
	}
	return Explanation{Name: name}
}
