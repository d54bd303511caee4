resorce "network" "a" {
}

provider "cloudstack" {
}

clud {
}
