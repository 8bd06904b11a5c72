package figure

import (
	"image/color"
	"math"
	"sync"

	"gonum.org/v1/plot/palette"
	"gonum.org/v1/plot/palette/moreland"
)

// Maps from numbers to colours. Signed fields get the diverging map from blue to red
// of K. Moreland, "Diverging Color Maps for Scientific Visualization" (2009), whose
// equal steps are equally far apart in CIELAB, light grey in the middle. What is
// positive, such as a spread, gets a map from dark to light whose lightness rises
// linearly, made by the method of K. Moreland, "Why We Use Bad Color Maps and What You
// Can Do About It" (2016), through the hues of a flame. Both are gonum's.

// shades is the number of colours of a map; odd, so that one is that of zero.
const shades = 225

// neutral marks what has no value: darker than the middle of the diverging map.
var neutral = color.NRGBA{R: 0xa8, G: 0xa8, B: 0xa8, A: 0xff}

// colourMap is a map in shades.
type colourMap [shades]color.NRGBA

var divergingColours = sync.OnceValue(func() *colourMap { return sampled(moreland.SmoothBlueRed()) })

var sequentialColours = sync.OnceValue(func() *colourMap {
	flame, err := moreland.NewLuminance([]color.Color{
		color.NRGBA{R: 20, G: 10, B: 60, A: 255}, color.NRGBA{R: 110, G: 20, B: 110, A: 255},
		color.NRGBA{R: 200, G: 60, B: 80, A: 255}, color.NRGBA{R: 240, G: 150, B: 60, A: 255},
		color.NRGBA{R: 255, G: 250, B: 210, A: 255},
	})
	if err != nil {
		panic("figure: the colours built in are not in order: " + err.Error())
	}
	return sampled(flame)
})

// sampled evaluates a map at the middle of each shade.
func sampled(m palette.ColorMap) *colourMap {
	m.SetMin(0)
	m.SetMax(1)
	var c colourMap
	for i := range c {
		at, err := m.At((float64(i) + 0.5) / shades)
		if err != nil {
			panic("figure: a colour map built in: " + err.Error())
		}
		c[i] = color.NRGBAModel.Convert(at).(color.NRGBA)
	}
	return &c
}

// shade is the index of the colour at a share of a map; shares beyond its ends get
// those.
func shade(share float64) int {
	return min(max(int(math.Floor(share*shades)), 0), shades-1)
}
