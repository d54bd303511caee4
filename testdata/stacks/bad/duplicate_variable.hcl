variable "a" {
}
variable "a" {
}
locals {
  x = 1
}
locals {
  x = 2
}
output "o" {
  value = 1
}
output "o" {
  value = 2
}
pipeline "p" {
  step "shell" "a" {
  }
  step "shell" "a" {
  }
}
pipeline "p" {
  step "shell" "a" {
  }
}
cloud {
}
cloud {
}
cloud "w" {
}
cloud "w" {
}
