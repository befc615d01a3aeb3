# Reads `go test -v` and prints the lines that give a requirement's figures, as they come: "R2: ...". When something fails, it
# prints everything that was said.
{ said = said $0 "\n" }

/ R[0-9]+: / { line = $0; sub(/^.*go:[0-9]+: /, "", line); print line; fflush(); figures++ }
/^ *--- (FAIL|SKIP)/ || /^FAIL/ || /^panic:/ { broken = 1 }

END {
	if (broken || figures == 0) { printf "%s", said; print "this failed, was skipped, or gave no figures"; exit 1 }
}
