package scoresum

import "retrace/dynamics"

// A state on a ring, such as Lorenz 96, is coupled to its neighbours in space as much as
// in time, and the law of a site is that of any other. Network "ring" therefore goes
// along the ring: a token is a site, its values are those of the site in the states of
// the window, and one set of weights serves all sites. The ring is cut open, and
// ringHalo sites of the other end are repeated on either side, so that the cut is not
// seen from the sites that count.

// ringHalo is the number of sites repeated on each side.
const ringHalo = 4

// ringSites is the number of sites of a ring, 0 if states are none.
func ringSites(space dynamics.Space) int {
	if len(space.Axes) != 1 || space.Axes[0].Period <= 0 {
		return 0
	}
	return space.Axes[0].Len()
}

// site is where token t of a ring lies.
func (l layout) site(t int) int { return (t + (ringHalo+1)*l.sites - ringHalo) % l.sites }

// putRing is put for tokens along a ring.
func (l layout) putRing(input []float32, view int, rows []float32, length, stride int) {
	tokens := l.tokens(length)
	for i := 0; i*stride < len(rows); i++ {
		row := rows[i*stride:][:length*l.dim]
		for t := range tokens {
			token := input[(i*tokens+t)*l.width()+view*l.span():][:l.span()]
			site := l.site(t)
			for state := range length {
				token[state] = row[state*l.dim+site]
			}
			clear(token[length:])
		}
	}
}

// takeRing is the transpose of putRing: sites that were repeated are added up.
func (l layout) takeRing(rows []float32, view int, input []float32, length, stride int) {
	tokens := l.tokens(length)
	for i := 0; i*stride < len(rows); i++ {
		row := rows[i*stride:][:stride]
		clear(row)
		for t := range tokens {
			token := input[(i*tokens+t)*l.width()+view*l.span():][:length]
			site := l.site(t)
			for state, v := range token {
				row[state*l.dim+site] += v
			}
		}
	}
}

// gatherRing takes the sites that count from network outputs.
func (l layout) gatherRing(row, out []float32, length int) {
	clear(row)
	for t := ringHalo; t < ringHalo+l.sites; t++ {
		for state, v := range out[t*l.span():][:length] {
			row[state*l.dim+t-ringHalo] = v
		}
	}
}

// spreadRing is the transpose of gatherRing.
func (l layout) spreadRing(out, row []float32, length int) {
	clear(out)
	for t := ringHalo; t < ringHalo+l.sites; t++ {
		token := out[t*l.span():][:length]
		for state := range token {
			token[state] = row[state*l.dim+t-ringHalo]
		}
	}
}
