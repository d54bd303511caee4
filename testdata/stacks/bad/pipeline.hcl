pipeline "empty" {
}
pipeline "p" {
  stp "shell" "x" {
  }
  step "shell" {
  }
}
