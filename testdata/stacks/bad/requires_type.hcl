stack "a" {
  requires = "moldctl"
}
