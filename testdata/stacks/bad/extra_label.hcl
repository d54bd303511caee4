output "a" "b" {
  value = 1
}

cloud "a" "b" {
}

locals "x" {
}
