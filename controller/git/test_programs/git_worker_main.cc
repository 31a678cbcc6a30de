#include "controller/git/worker.h"

int main() { return midwatch::git::RunGitWorker(); }
