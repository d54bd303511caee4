stack "a" {
}
stack "b" {
}
