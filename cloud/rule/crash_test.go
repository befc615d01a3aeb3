package rule_test

const childDir = "PENSTOCK_TEST_CHILD_DIR"

func runChild(string) error { return nil }
