stack "a" {
  version = "one"
  requires = {
    moldctl = ">= 9.0"
    network = "about 2"
    lb      = "=> 1"
    image   = var.x
  }
}
