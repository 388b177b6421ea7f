// Nothing: the include under test is put in front of it on the command line.
