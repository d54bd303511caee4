variable "keep" {
  default = true
}
resource "network" "web" {
  lifecycle {
    prevent_destroy = var.keep
  }
  retain_on_destroy = [true]
}
