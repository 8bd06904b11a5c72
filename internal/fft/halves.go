package fft

// Split separates the spectrum of two real fields, Re + i Im, into the halves
// kx = 0..nx/2 of their own spectra.
func (p *Plan) Split(first, second, spectrum Planes) {
	p.checkHalf(first)
	p.checkHalf(second)
	p.check(spectrum)
	for kx := range p.nx/2 + 1 {
		row, opposite := kx*p.ny, Partner(kx, p.nx)*p.ny
		for ky := range p.ny {
			i, j := row+ky, opposite+Partner(ky, p.ny)
			re, im := spectrum.Re[i]/2, spectrum.Im[i]/2
			reStar, imStar := spectrum.Re[j]/2, spectrum.Im[j]/2
			first.Re[i], first.Im[i] = re+reStar, im-imStar
			second.Re[i], second.Im[i] = im+imStar, reStar-re
		}
	}
}

// Merge is the inverse of Split: it sets the spectrum of first + i second, for
// two real fields given by the halves kx = 0..nx/2 of their spectra. Of the
// halves' own rows kx = 0 and, for even nx, nx/2, which contain both a
// wavenumber and its partner, both are used as they are.
func (p *Plan) Merge(spectrum, first, second Planes) {
	p.checkHalf(first)
	p.checkHalf(second)
	p.check(spectrum)
	for kx := range p.nx/2 + 1 {
		row, opposite := kx*p.ny, Partner(kx, p.nx)*p.ny
		for ky := range p.ny {
			i, j := row+ky, opposite+Partner(ky, p.ny)
			a, b, c, d := first.Re[i], first.Im[i], second.Re[i], second.Im[i]
			spectrum.Re[i], spectrum.Im[i] = a-d, b+c
			if opposite != row {
				spectrum.Re[j], spectrum.Im[j] = a+d, c-b
			}
		}
	}
}

func (p *Plan) checkHalf(z Planes) {
	if len(z.Re) != p.HalfLen() || len(z.Im) != p.HalfLen() {
		panic("fft: half spectrum does not have (nx/2+1)*ny elements")
	}
}
