output "a" {
}
output "b" {
  value     = 1
  sensitve  = true
  sensitive = "perhaps"
}
