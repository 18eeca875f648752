"""How is a system of flows drawn, without a browser and without a plotting library?"""
