package serve

// State is what an event about a run says.
func (s *Server) State(run string) []byte {
	text, _ := s.board.get(run)
	return text
}
