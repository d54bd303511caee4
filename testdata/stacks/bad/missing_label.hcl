resource "network" {
}

variable {
}
