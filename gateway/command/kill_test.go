package command_test

func child(string) {}
