variable "count" {
}
variable "source" {
}
