package qg

import (
	"slices"

	"retrace/dynamics"
	"retrace/internal/strict"
)

// TwoLayer holds the parameters of the model, in SI units. Make one with [New],
// which fills in a preset, or from a config with name = "qg".
type TwoLayer struct {
	Preset            string    `toml:"preset" doc:"defaults of all the other keys: \"eddy\" (pyqg's), \"jet\", or \"sda\" (the data set of Rozet & Louppe: 512 x 512, about 1 h of one core a run)"`
	Nx                int       `toml:"nx" doc:"points eastward; even, 8 to 4096"`
	Ny                int       `toml:"ny" doc:"points northward; even, 8 to 4096"`
	LengthX           float64   `toml:"length_x" doc:"period eastward, m; 1e-3 to 1e9"`
	LengthY           float64   `toml:"length_y" doc:"period northward, m; 1e-3 to 1e9"`
	Beta              float64   `toml:"beta" doc:"northward gradient of the Coriolis parameter, 1/(m s); -1e3 to 1e3"`
	DeformationRadius float64   `toml:"deformation_radius" doc:"first baroclinic radius of deformation, m; 1e-6 to 1e9"`
	ThicknessRatio    float64   `toml:"thickness_ratio" doc:"thickness of the upper layer over that of the lower; 1e-3 to 1e3"`
	Thickness         float64   `toml:"thickness" doc:"thickness of the upper layer, m; 1e-3 to 1e5"`
	VelocityUpper     float64   `toml:"velocity_upper" doc:"eastward background flow of the upper layer, m/s; -100 to 100"`
	VelocityLower     float64   `toml:"velocity_lower" doc:"eastward background flow of the lower layer, m/s; -100 to 100"`
	Drag              float64   `toml:"drag" doc:"linear bottom drag, 1/s; 0 to 1"`
	Filter            float64   `toml:"filter" doc:"strength of the exponential filter above 0.65 of the Nyquist wavenumber; 0 (none) to 1000"`
	Truncate          bool      `toml:"truncate" doc:"exact dealiasing: keep only wavenumbers below 2/3 of the Nyquist wavenumber of each axis"`
	Interval          float64   `toml:"interval" doc:"sampling interval, s; 1e-6 to 1e9 (the time axis is in days)"`
	Dt                float64   `toml:"dt" doc:"time step, s, a whole fraction of interval; 0: 0.3 cells at 0.375 m/s, rounded down to one"`
	Channels          []string  `toml:"channels" doc:"fields of a state, in order: q, psi, u, v with the number of the layer; q1 and q2 are needed"`
	Coarsen           int       `toml:"coarsen" doc:"cells of the grid that make one of the state, along each axis, by their mean; 1 to 64"`
	Initial           string    `toml:"initial" doc:"law of the first state: \"energetic\" (eddies, zero mean) or \"pyqg\" (weak uniform noise)"`
	InitialRms        []float64 `toml:"initial_rms" doc:"rms of q1 and q2 of an energetic start, 1/s; 0 to 1e6"`
	SpinUp            float64   `toml:"spin_up" doc:"days from the initial law to the steady state: the default of trajectories.spin_up; 0 to 1e7"`
	ForcingRate       float64   `toml:"forcing_rate" doc:"energy that random forcing of the upper layer puts in, m2/s3; 0 (none) to 1e3"`
	ForcingWavenumber float64   `toml:"forcing_wavenumber" doc:"wavelengths of the random forcing in length_x; 1 to 1000"`
	ForcingWidth      float64   `toml:"forcing_width" doc:"half-width of the ring of forced wavenumbers, in the same unit; 0.5 to 1000"`
	WindStress        float64   `toml:"wind_stress" doc:"amplitude of the eastward wind stress, cosine in y, N/m2; -1e3 to 1e3"`
	WindWaves         int       `toml:"wind_waves" doc:"wavelengths of the wind stress in length_y; 1 to 64"`
	Coriolis          float64   `toml:"coriolis" doc:"Coriolis parameter, for topography only, 1/s; -1 to 1"`
	HillHeight        float64   `toml:"hill_height" doc:"amplitude of the bottom topography, cosine in x and y, m; -1e4 to 1e4"`
	HillsX            int       `toml:"hills_x" doc:"wavelengths of the topography in length_x; 0 to 64"`
	HillsY            int       `toml:"hills_y" doc:"wavelengths of the topography in length_y; 0 to 64"`

	// Tendency is a constant tendency of q1 and of q2 on the grid, s-2, such as
	// the curl of a wind stress over density and thickness, added to that of
	// WindStress; nil for none.
	Tendency [2][]float64 `toml:"-"`
	// Topography is the height of the bottom on the grid, m, added to the
	// hills; nil for none.
	Topography []float64 `toml:"-"`
}

// density of sea water, kg/m3, by which a wind stress becomes an acceleration.
const density = 1025

// day in seconds.
const day = 86400

var presets = []string{"eddy", "jet", "sda"}

// New returns the parameters of a preset:
//
//   - "eddy": the defaults of pyqg, a field of eddies, at 64 x 64;
//   - "jet": a weaker gradient of the Coriolis parameter, a deeper lower layer
//     and little drag, which make jets;
//   - "sda": eddy at 512 x 512 with a time step of 900 s from pyqg's random
//     start, seen daily as 2 x 2 means of potential vorticity and velocity.
//
// It panics if there is no such preset.
func New(preset string) *TwoLayer {
	p := &TwoLayer{
		Preset: "eddy", Nx: 64, Ny: 64, LengthX: 1e6, LengthY: 1e6,
		Beta: 1.5e-11, DeformationRadius: 15e3, ThicknessRatio: 0.25, Thickness: 500,
		VelocityUpper: 0.025, Drag: 5.787e-7, Filter: 23.6, Interval: day,
		Channels: []string{"q1", "q2"}, Coarsen: 1,
		Initial: "energetic", InitialRms: []float64{8e-6, 1e-6}, SpinUp: 540,
		ForcingWavenumber: 4, ForcingWidth: 1, WindWaves: 1,
		Coriolis: 1e-4, HillsX: 2, HillsY: 2,
	}
	switch preset {
	case "eddy":
	case "jet":
		p.Beta, p.ThicknessRatio, p.Drag, p.SpinUp = 1e-11, 0.1, 7e-8, 3600
	case "sda":
		p.Nx, p.Ny, p.Dt, p.Coarsen = 512, 512, 900, 2
		p.Channels = []string{"q1", "u1", "v1", "q2", "u2", "v2"}
		p.Initial, p.SpinUp = "pyqg", 5*360
	default:
		panic("qg: unknown preset " + preset)
	}
	p.Preset = preset
	return p
}

// Choose fills in the preset that a config names.
func (p *TwoLayer) Choose(t strict.Table) bool {
	preset, given := t.Text("preset")
	if !given {
		return true
	}
	if !slices.Contains(presets, preset) {
		t.Unknown("preset", presets)
		return false
	}
	*p = *New(preset)
	return true
}

// Build checks the parameters and returns a [Deterministic] model, or a [Model]
// if there is random forcing.
func (p *TwoLayer) Build() (dynamics.Model, error) {
	if err := p.check(); err != nil {
		return nil, err
	}
	m, err := newModel(p)
	if err != nil {
		return nil, err
	}
	if p.ForcingRate > 0 {
		return m, nil
	}
	return &Deterministic{Model: m, still: make([]float64, m.space.Size())}, nil
}

func init() {
	dynamics.Register(dynamics.Entry{
		Name:     "qg",
		Summary:  "two-layer quasi-geostrophic turbulence on a doubly periodic plane (Phillips 1951; pyqg's default model)",
		Defaults: func() dynamics.Builder { return New("eddy") },
	})
}
