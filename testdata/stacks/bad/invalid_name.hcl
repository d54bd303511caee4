resource "network" "1st" {
}
resource "net work" "x" {
}
variable "a.b" {
}
output "" {
  value = 1
}
