package gateway

// AuditTail gives the last lines of the audit log as they are there, the newest last.
func (g *Gateway) AuditTail(max int) (lines [][]byte, err error) {
	end := g.audit.Head().Seq
	err = g.audit.Lines(end-min(end, uint64(max)), func(_ uint64, line []byte) bool {
		lines = append(lines, line)
		return true
	})
	return lines, err
}

// AuditVerify reads the whole audit log and says how many lines it has, or which one is not as it was written.
func (g *Gateway) AuditVerify() (lines uint64, err error) {
	return g.audit.Head().Seq, g.audit.Verify()
}
