# Reads `go test -v` and prints what a person wants to see: one line a package, everything a failing package said, and the
# tests that did not run. Packages come one after the other, so what was said since the last closing line is one package's.
#   -v strict=1   a skipped test is a failure (CI)
{ said = said $0 "\n" }

/^ *--- SKIP/ { skipped = skipped $0 "\n"; skips++ }
/^ *--- PASS/ { passed++ }
/^ *--- FAIL/ { failed++ }

/^(ok  |\?   |---$)/ || /\t\[no test files\]$/ { print; fflush(); said = "" }
/^FAIL\t/ { printf "%s", said; fflush(); said = ""; broken = 1 }

END {
	printf "%s", said # what a build error or a panic left
	if (skips) printf "\nNot run:\n%s", skipped
	printf "%d passed, %d failed, %d skipped\n", passed, failed, skips
	if (strict && skips) { print "a skipped test is a failure here: run what it needs, or take it out"; exit 1 }
	if (passed + failed == 0) { print "no test ran"; exit 1 }
	if (broken || failed) exit 1
}
