resource "var" "x" {
}
data "module" "x" {
}
