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
  instance = instance.web.id
}

resource "snapshot_policy" "daily" {
  volume   = volume.data.id
  interval = "DAILY"
  schedule = "30:2"
  keep     = 7
}
