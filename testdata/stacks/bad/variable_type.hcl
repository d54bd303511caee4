variable "a" {
  type = strin
}
variable "b" {
  type = list
}
variable "c" {
  type    = number
  default = "many"
}
variable "d" {
  type    = object({ port = number })
  default = { prt = 1 }
}
