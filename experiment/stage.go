package experiment

import "slices"

// Stage is one step of an experiment, named as its verb of the command.
type Stage string

// The stages, in the order of work.
const (
	StageSimulate   Stage = "simulate"
	StageTrain      Stage = "train"
	StageObserve    Stage = "observe"
	StageAssimilate Stage = "assimilate"
	StageScore      Stage = "score"
	StageReport     Stage = "report"
)

// Stages lists all stages in the order of work.
func Stages() []Stage {
	return []Stage{StageSimulate, StageTrain, StageObserve, StageAssimilate, StageScore, StageReport}
}

// version numbers the code of each stage. Raise it when a stage gives other
// bytes for the same inputs, so that results of older code count as stale.
var version = map[Stage]int{
	StageSimulate: 1, StageTrain: 1, StageObserve: 1, StageAssimilate: 2, StageScore: 2, StageReport: 2,
}

func (s Stage) order() int { return slices.Index(Stages(), s) }
