resource "volume" "data" {
  name     = "data"
  offering = "Small"
  instance = instance.db.id
}

resource "network" "db" {
  name = "db"
}

resource "instance" "db" {
  name     = "db-1"
  offering = "Medium Instance"
  template = "Rocky Linux 9"
  network  = network.db.id
}

resource "snapshot" "data" {
  name   = "before-upgrade"
  volume = volume.data.id
}
