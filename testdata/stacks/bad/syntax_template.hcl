locals {
  a = "${upper("x"}"
  b = "${"
}
