resource "network" "web" {
  name = "web"
}

resource "instance" "web" {
  name     = "web-1"
  offering = "Medium Instance"
  template = "Rocky Linux 9"
  network  = network.web.id
}

resource "volume" "data" {
  name     = "data"
  offering = "Small"
}

resource "volume_attachment" "data" {
  volume   = volume.data.id
  instance = instance.web.id
}
