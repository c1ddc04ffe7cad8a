# ruff: noqa: E501 (a state is a line)
"""The facts, written by hand: capital, abbreviation, Census region and some cities of each state."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class State:
    """One state; ``cities`` leaves out the capital. No place name of the table belongs to two states."""

    name: str
    abbreviation: str
    region: str
    capital: str
    cities: tuple[str, ...]

    @property
    def places(self) -> tuple[str, ...]:
        """The cities and the capital."""
        return (*self.cities, self.capital)


_TABLE = """
Alabama        | AL | South     | Montgomery     | Birmingham, Huntsville, Mobile, Tuscaloosa, Dothan
Alaska         | AK | West      | Juneau         | Anchorage, Fairbanks, Sitka, Ketchikan, Wasilla
Arizona        | AZ | West      | Phoenix        | Tucson, Mesa, Scottsdale, Tempe, Flagstaff
Arkansas       | AR | South     | Little Rock    | Fort Smith, Fayetteville, Jonesboro, Hot Springs, Bentonville
California     | CA | West      | Sacramento     | Los Angeles, San Francisco, San Diego, Oakland, Fresno, San Jose, Bakersfield
Colorado       | CO | West      | Denver         | Boulder, Colorado Springs, Pueblo, Fort Collins, Grand Junction
Connecticut    | CT | Northeast | Hartford       | New Haven, Bridgeport, Stamford, Waterbury, Norwalk
Delaware       | DE | South     | Dover          | Wilmington, Lewes, Smyrna, Seaford, Rehoboth Beach
Florida        | FL | South     | Tallahassee    | Miami, Orlando, Tampa, Jacksonville, Gainesville, Pensacola
Georgia        | GA | South     | Atlanta        | Savannah, Macon, Athens, Valdosta, Marietta
Hawaii         | HI | West      | Honolulu       | Hilo, Kailua, Lahaina, Kahului, Waipahu
Idaho          | ID | West      | Boise          | Pocatello, Idaho Falls, Twin Falls, Nampa, Rexburg
Illinois       | IL | Midwest   | Springfield    | Chicago, Peoria, Rockford, Naperville, Joliet, Champaign
Indiana        | IN | Midwest   | Indianapolis   | Fort Wayne, Evansville, South Bend, Gary, Muncie
Iowa           | IA | Midwest   | Des Moines     | Cedar Rapids, Davenport, Dubuque, Ames, Iowa City
Kansas         | KS | Midwest   | Topeka         | Wichita, Overland Park, Lawrence, Salina, Dodge City
Kentucky       | KY | South     | Frankfort      | Louisville, Lexington, Bowling Green, Owensboro, Paducah
Louisiana      | LA | South     | Baton Rouge    | New Orleans, Shreveport, Lafayette, Lake Charles, Monroe
Maine          | ME | Northeast | Augusta        | Bangor, Bar Harbor, Lewiston, Kennebunkport, Biddeford
Maryland       | MD | South     | Annapolis      | Baltimore, Frederick, Bethesda, Rockville, Hagerstown
Massachusetts  | MA | Northeast | Boston         | Worcester, Cambridge, Lowell, Plymouth, New Bedford
Michigan       | MI | Midwest   | Lansing        | Detroit, Grand Rapids, Ann Arbor, Flint, Kalamazoo
Minnesota      | MN | Midwest   | Saint Paul     | Minneapolis, Duluth, Saint Cloud, Mankato, Bemidji
Mississippi    | MS | South     | Jackson        | Biloxi, Gulfport, Tupelo, Hattiesburg, Meridian
Missouri       | MO | Midwest   | Jefferson City | Kansas City, Saint Louis, Branson, Joplin, Sedalia
Montana        | MT | West      | Helena         | Billings, Missoula, Bozeman, Great Falls, Butte
Nebraska       | NE | Midwest   | Lincoln        | Omaha, Grand Island, Kearney, North Platte, Scottsbluff
Nevada         | NV | West      | Carson City    | Las Vegas, Reno, Henderson, Sparks, Elko
New Hampshire  | NH | Northeast | Concord        | Manchester, Nashua, Portsmouth, Keene, Laconia
New Jersey     | NJ | Northeast | Trenton        | Newark, Jersey City, Camden, Atlantic City, Hoboken
New Mexico     | NM | West      | Santa Fe       | Albuquerque, Las Cruces, Roswell, Taos, Gallup
New York       | NY | Northeast | Albany         | Buffalo, Rochester, Syracuse, Yonkers, Ithaca
North Carolina | NC | South     | Raleigh        | Charlotte, Durham, Greensboro, Asheville, Chapel Hill
North Dakota   | ND | Midwest   | Bismarck       | Fargo, Grand Forks, Minot, Dickinson, Williston
Ohio           | OH | Midwest   | Columbus       | Cleveland, Cincinnati, Toledo, Akron, Dayton
Oklahoma       | OK | South     | Oklahoma City  | Tulsa, Norman, Lawton, Enid, Stillwater
Oregon         | OR | West      | Salem          | Portland, Eugene, Bend, Medford, Corvallis
Pennsylvania   | PA | Northeast | Harrisburg     | Philadelphia, Pittsburgh, Scranton, Erie, Allentown
Rhode Island   | RI | Northeast | Providence     | Newport, Warwick, Cranston, Pawtucket, Woonsocket
South Carolina | SC | South     | Columbia       | Greenville, Myrtle Beach, Spartanburg, Hilton Head, Rock Hill
South Dakota   | SD | Midwest   | Pierre         | Sioux Falls, Rapid City, Deadwood, Brookings, Mitchell
Tennessee      | TN | South     | Nashville      | Memphis, Knoxville, Chattanooga, Murfreesboro, Clarksville
Texas          | TX | South     | Austin         | Dallas, Houston, San Antonio, El Paso, Fort Worth, Lubbock, Amarillo
Utah           | UT | West      | Salt Lake City | Provo, Ogden, Moab, Orem, Logan
Vermont        | VT | Northeast | Montpelier     | Burlington, Rutland, Stowe, Bennington, Brattleboro
Virginia       | VA | South     | Richmond       | Norfolk, Virginia Beach, Roanoke, Alexandria, Lynchburg
Washington     | WA | West      | Olympia        | Seattle, Spokane, Tacoma, Bellingham, Yakima
West Virginia  | WV | South     | Charleston     | Huntington, Morgantown, Wheeling, Parkersburg, Beckley
Wisconsin      | WI | Midwest   | Madison        | Milwaukee, Green Bay, Kenosha, Racine, Oshkosh
Wyoming        | WY | West      | Cheyenne       | Casper, Laramie, Cody, Gillette, Sheridan
"""


def _state(line: str) -> State:
    name, abbreviation, region, capital, cities = (part.strip() for part in line.split("|"))
    return State(name, abbreviation, region, capital, tuple(city.strip() for city in cities.split(",")))


STATES: tuple[State, ...] = tuple(_state(line) for line in _TABLE.strip().splitlines())
PLACES: dict[str, State] = {place: state for state in STATES for place in state.places}
NAMES: frozenset[str] = frozenset(PLACES) | {state.name for state in STATES}
