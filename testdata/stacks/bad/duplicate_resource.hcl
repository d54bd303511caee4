resource "network" "web" {
}

data "network" "web" {
}

resource "network" "web" {
}
