variable "a" {
  default = var.b
}
variable "b" {
  nullable = false
  default  = null
}
variable "c" {
  defalt = 1
}
