// Package endtoend holds tests that run the whole way: stacks are applied by a
// process of their own, with the bundled plugins as processes of theirs,
// against an embedded cloud inside the test, which sees every call and can
// kill the process at any of them.
//
// It has no code beside its tests.
package endtoend
