BEGIN TRANSACTION;
CREATE TABLE events (
	study INTEGER NOT NULL, 
	seq INTEGER NOT NULL, 
	at FLOAT NOT NULL, 
	kind TEXT NOT NULL, 
	body TEXT NOT NULL, 
	PRIMARY KEY (study, seq), 
	FOREIGN KEY(study) REFERENCES studies (id) ON DELETE CASCADE
);
INSERT INTO "events" VALUES(1,0,9.05820999832940287888e-04,'Proposed','{"number":0,"config":{},"note":{"by":"default"}}');
INSERT INTO "events" VALUES(1,1,9.05820999832940287888e-04,'Started','{"number":0,"worker":"runs 8134 1530714 vm 1"}');
INSERT INTO "events" VALUES(1,2,2.12942630005272803828e-02,'Grew','{"parameters":{"$tuple":[{"name":"kind","kind":"choice","values":{"$tuple":["plain","scaled"]},"ordered":false,"default":null},{"name":"x","kind":"float","low":-1.0,"high":1.0,"step":null,"sampling":"linear","default":null},{"name":"n","kind":"int","low":1,"high":5,"step":null,"sampling":"linear","default":null},{"name":"flag","kind":"boolean","default":false}]},"number":0}');
INSERT INTO "events" VALUES(1,3,2.12942630005272803828e-02,'Configured','{"number":0,"config":{"kind":"plain","x":-1.0,"n":1,"flag":false}}');
INSERT INTO "events" VALUES(1,4,2.17149660002178279682e-02,'Reported','{"number":0,"step":1,"metrics":{"loss":2.1},"fidelity":0.3333333333333333}');
INSERT INTO "events" VALUES(1,5,2.17923010004597017541e-02,'Reported','{"number":0,"step":2,"metrics":{"loss":1.6},"fidelity":0.6666666666666666}');
INSERT INTO "events" VALUES(1,6,2.18525899999804096296e-02,'Reported','{"number":0,"step":3,"metrics":{"loss":1.4333333333333333},"fidelity":1.0}');
INSERT INTO "events" VALUES(1,7,2.19813410003553144633e-02,'Finished','{"number":0,"state":"complete","values":{"$tuple":[1.4333333333333333]},"metrics":{"loss":1.4333333333333333},"step":3,"steps":3,"duration":0.0011136289995192783}');
INSERT INTO "events" VALUES(1,8,3.19664769995142705738e-02,'Proposed','{"number":1,"config":{"kind":"scaled","x":0.6545656314,"n":3,"flag":false},"note":{"by":"random"}}');
INSERT INTO "events" VALUES(1,9,3.19664769995142705738e-02,'Started','{"number":1,"worker":"runs 8134 1530714 vm 1"}');
INSERT INTO "events" VALUES(1,10,3.2636459000059403479e-02,'Grew','{"parameters":{"$tuple":[{"name":"kind","kind":"choice","values":{"$tuple":["plain","scaled"]},"ordered":false,"default":null},{"name":"scale","kind":"float","low":0.1,"high":10.0,"step":null,"sampling":"log","default":null},{"name":"x","kind":"float","low":-1.0,"high":1.0,"step":null,"sampling":"linear","default":null},{"name":"n","kind":"int","low":1,"high":5,"step":null,"sampling":"linear","default":null},{"name":"flag","kind":"boolean","default":false}]},"number":1}');
INSERT INTO "events" VALUES(1,11,3.2636459000059403479e-02,'Configured','{"number":1,"config":{"kind":"scaled","scale":5.417094704,"x":0.6545656314,"n":3,"flag":false}}');
INSERT INTO "events" VALUES(1,12,0.0330680780007242,'Reported','{"number":1,"step":1,"metrics":{"loss":4.845844015277356},"fidelity":0.3333333333333333}');
INSERT INTO "events" VALUES(1,13,3.31377809998230077326e-02,'Reported','{"number":1,"step":2,"metrics":{"loss":4.345844015277356},"fidelity":0.6666666666666666}');
INSERT INTO "events" VALUES(1,14,3.31850910006323829293e-02,'Reported','{"number":1,"step":3,"metrics":{"loss":4.17917734861069},"fidelity":1.0}');
INSERT INTO "events" VALUES(1,15,3.32861210008559282869e-02,'Finished','{"number":1,"state":"complete","values":{"$tuple":[4.17917734861069]},"metrics":{"loss":4.17917734861069},"step":3,"steps":3,"duration":0.0010171560006710934}');
INSERT INTO "events" VALUES(1,16,4.75944490008259890601e-02,'Proposed','{"number":2,"config":{"kind":"scaled","x":-0.614254003,"n":5,"flag":true,"scale":1.373470827},"note":{"by":"random"}}');
INSERT INTO "events" VALUES(1,17,4.75944490008259890601e-02,'Started','{"number":2,"worker":"runs 8134 1530714 vm 1"}');
INSERT INTO "events" VALUES(1,18,4.80091330009599914774e-02,'Configured','{"number":2,"config":{"kind":"scaled","scale":1.373470827,"x":-0.614254003,"n":5,"flag":true}}');
INSERT INTO "events" VALUES(1,19,4.81332569997903192415e-02,'Reported','{"number":2,"step":1,"metrics":{"loss":3.3436599534884706},"fidelity":0.3333333333333333}');
INSERT INTO "events" VALUES(1,20,4.81967610012361546978e-02,'Reported','{"number":2,"step":2,"metrics":{"loss":2.8436599534884706},"fidelity":0.6666666666666666}');
INSERT INTO "events" VALUES(1,21,4.82446220012207049876e-02,'Reported','{"number":2,"step":3,"metrics":{"loss":2.676993286821804},"fidelity":1.0}');
INSERT INTO "events" VALUES(1,22,4.83403440011898055672e-02,'Finished','{"number":2,"state":"complete","values":{"$tuple":[2.676993286821804]},"metrics":{"loss":2.676993286821804},"step":3,"steps":3,"duration":0.00044409799920686055}');
INSERT INTO "events" VALUES(1,23,5.80390160012029809877e-02,'Proposed','{"number":3,"config":{"kind":"scaled","x":0.9071014038,"n":5,"flag":true,"scale":1.317491808},"note":{"by":"random"}}');
INSERT INTO "events" VALUES(1,24,5.80390160012029809877e-02,'Started','{"number":3,"worker":"runs 8134 1530714 vm 1"}');
INSERT INTO "events" VALUES(1,25,5.84614609997515799477e-02,'Configured','{"number":3,"config":{"kind":"scaled","scale":1.317491808,"x":0.9071014038,"n":5,"flag":true}}');
INSERT INTO "events" VALUES(1,26,5.86146480000024894252e-02,'Finished','{"number":3,"state":"infeasible","values":{"$tuple":[{"$float":"nan"}]},"metrics":{"loss":{"$float":"nan"}},"duration":0.0002539670003898209,"error":{"$Failure":{"kind":"nan","message":"the result is not a finite number: loss=nan","traceback":"","where":"","type":""}}}');
INSERT INTO "events" VALUES(2,0,1.0322380003344733268e-03,'Proposed','{"number":0,"config":{},"fidelity":0.1111111111111111,"note":{"by":"default","bracket":0,"rung":0,"first":0.111111111}}');
INSERT INTO "events" VALUES(2,1,1.0322380003344733268e-03,'Started','{"number":0,"worker":"runs 8134 1530714 vm 2"}');
INSERT INTO "events" VALUES(2,2,9.17831100014154799282e-03,'Grew','{"parameters":{"$tuple":[{"name":"height","kind":"float","low":0.0,"high":1.0,"step":null,"sampling":"linear","default":null}]},"number":0}');
INSERT INTO "events" VALUES(2,3,9.17831100014154799282e-03,'Configured','{"number":0,"config":{"height":0.0}}');
INSERT INTO "events" VALUES(2,4,9.3585579998034518212e-03,'Reported','{"number":0,"step":1,"metrics":{"value":0.0},"fidelity":0.1111111111111111}');
INSERT INTO "events" VALUES(2,5,9.48336300098162610083e-03,'Finished','{"number":0,"state":"paused","values":{"$tuple":[0.0]},"metrics":{"value":0.0},"fidelity":0.1111111111111111,"step":1,"steps":1,"duration":0.0004874420010310132}');
INSERT INTO "events" VALUES(2,6,0.0202532710009109,'Proposed','{"number":1,"config":{"height":0.1720436894},"fidelity":0.1111111111111111,"note":{"by":"random","plan":[[9,1],[3,3],[1,9]],"bracket":0,"rung":0,"first":0.111111111}}');
INSERT INTO "events" VALUES(2,7,0.0202532710009109,'Started','{"number":1,"worker":"runs 8134 1530714 vm 2"}');
INSERT INTO "events" VALUES(2,8,2.06571790004090871661e-02,'Configured','{"number":1,"config":{"height":0.1720436894}}');
INSERT INTO "events" VALUES(2,9,2.07287350003753090277e-02,'Reported','{"number":1,"step":1,"metrics":{"value":0.1720436894},"fidelity":0.1111111111111111}');
INSERT INTO "events" VALUES(2,10,2.0831267000176012516e-02,'Finished','{"number":1,"state":"paused","values":{"$tuple":[0.1720436894]},"metrics":{"value":0.1720436894},"fidelity":0.1111111111111111,"step":1,"steps":1,"duration":0.00023942400002852082}');
INSERT INTO "events" VALUES(2,11,3.21094680002715904265e-02,'Proposed','{"number":2,"config":{"height":0.5884002917},"fidelity":0.1111111111111111,"note":{"by":"random","bracket":0,"rung":0,"first":0.111111111}}');
INSERT INTO "events" VALUES(2,12,3.21094680002715904265e-02,'Started','{"number":2,"worker":"runs 8134 1530714 vm 2"}');
INSERT INTO "events" VALUES(2,13,3.2491043000845820643e-02,'Configured','{"number":2,"config":{"height":0.5884002917}}');
INSERT INTO "events" VALUES(2,14,3.25739760010037571191e-02,'Reported','{"number":2,"step":1,"metrics":{"value":0.5884002917},"fidelity":0.1111111111111111}');
INSERT INTO "events" VALUES(2,15,3.26807740002550417557e-02,'Finished','{"number":2,"state":"paused","values":{"$tuple":[0.5884002917]},"metrics":{"value":0.5884002917},"fidelity":0.1111111111111111,"step":1,"steps":1,"duration":0.000237071000810829}');
INSERT INTO "events" VALUES(2,16,3.7628361000315635465e-02,'Proposed','{"number":3,"config":{"height":0.8718015166},"fidelity":0.1111111111111111,"note":{"by":"random","bracket":0,"rung":0,"first":0.111111111}}');
INSERT INTO "events" VALUES(2,17,3.7628361000315635465e-02,'Started','{"number":3,"worker":"runs 8134 1530714 vm 2"}');
INSERT INTO "events" VALUES(2,18,3.80231650015048217028e-02,'Configured','{"number":3,"config":{"height":0.8718015166}}');
INSERT INTO "events" VALUES(2,19,3.81004500013659708201e-02,'Reported','{"number":3,"step":1,"metrics":{"value":0.8718015166},"fidelity":0.1111111111111111}');
INSERT INTO "events" VALUES(2,20,3.82104630007233936339e-02,'Finished','{"number":3,"state":"paused","values":{"$tuple":[0.8718015166]},"metrics":{"value":0.8718015166},"fidelity":0.1111111111111111,"step":1,"steps":1,"duration":0.00023215300097945146}');
INSERT INTO "events" VALUES(2,21,4.81566910002584336325e-02,'Proposed','{"number":4,"config":{"height":0.2984701534},"fidelity":0.1111111111111111,"note":{"by":"random","bracket":0,"rung":0,"first":0.111111111}}');
INSERT INTO "events" VALUES(2,22,4.81566910002584336325e-02,'Started','{"number":4,"worker":"runs 8134 1530714 vm 2"}');
INSERT INTO "events" VALUES(2,23,4.85080220005329465493e-02,'Configured','{"number":4,"config":{"height":0.2984701534}}');
INSERT INTO "events" VALUES(2,24,4.85792670006048865616e-02,'Reported','{"number":4,"step":1,"metrics":{"value":0.2984701534},"fidelity":0.1111111111111111}');
INSERT INTO "events" VALUES(2,25,4.86743780002143466845e-02,'Finished','{"number":4,"state":"paused","values":{"$tuple":[0.2984701534]},"metrics":{"value":0.2984701534},"fidelity":0.1111111111111111,"step":1,"steps":1,"duration":0.0002125449991581263}');
INSERT INTO "events" VALUES(2,26,5.59579840009973850101e-02,'Proposed','{"number":5,"config":{"height":0.3413220155},"fidelity":0.1111111111111111,"note":{"by":"random","bracket":0,"rung":0,"first":0.111111111}}');
INSERT INTO "events" VALUES(2,27,5.59579840009973850101e-02,'Started','{"number":5,"worker":"runs 8134 1530714 vm 2"}');
INSERT INTO "events" VALUES(2,28,5.6272039000759832561e-02,'Configured','{"number":5,"config":{"height":0.3413220155}}');
INSERT INTO "events" VALUES(2,29,5.63411310013179900124e-02,'Reported','{"number":5,"step":1,"metrics":{"value":0.3413220155},"fidelity":0.1111111111111111}');
INSERT INTO "events" VALUES(2,30,5.6450002000929089263e-02,'Finished','{"number":5,"state":"paused","values":{"$tuple":[0.3413220155]},"metrics":{"value":0.3413220155},"fidelity":0.1111111111111111,"step":1,"steps":1,"duration":0.00021476799884112552}');
INSERT INTO "events" VALUES(2,31,0.0640969860014593,'Continued','{"number":3,"fidelity":0.3333333333333333,"note":{"bracket":0,"rung":1,"why":"promoted"}}');
INSERT INTO "events" VALUES(2,32,0.0640969860014593,'Started','{"number":3,"segment":1,"worker":"runs 8134 1530714 vm 2"}');
INSERT INTO "events" VALUES(2,33,6.44035000004805624485e-02,'Reported','{"number":3,"step":1,"metrics":{"value":0.8718015166},"fidelity":0.1111111111111111}');
INSERT INTO "events" VALUES(2,34,6.447081999976944644e-02,'Reported','{"number":3,"step":2,"metrics":{"value":1.7436030332},"fidelity":0.2222222222222222}');
INSERT INTO "events" VALUES(2,35,6.45147949999227421358e-02,'Reported','{"number":3,"step":3,"metrics":{"value":2.6154045498},"fidelity":0.3333333333333333}');
INSERT INTO "events" VALUES(2,36,6.46003410001867450773e-02,'Finished','{"number":3,"state":"paused","values":{"$tuple":[2.6154045498]},"metrics":{"value":2.6154045498},"fidelity":0.3333333333333333,"step":3,"steps":3,"duration":0.00025588899916328955}');
INSERT INTO "events" VALUES(2,37,7.19144619997678091749e-02,'Continued','{"number":2,"fidelity":0.3333333333333333,"note":{"bracket":0,"rung":1,"why":"promoted"}}');
INSERT INTO "events" VALUES(2,38,7.19144619997678091749e-02,'Started','{"number":2,"segment":1,"worker":"runs 8134 1530714 vm 2"}');
INSERT INTO "events" VALUES(2,39,7.21759700008988147601e-02,'Reported','{"number":2,"step":1,"metrics":{"value":0.5884002917},"fidelity":0.1111111111111111}');
INSERT INTO "events" VALUES(2,40,0.0722392330008006,'Reported','{"number":2,"step":2,"metrics":{"value":1.1768005834},"fidelity":0.2222222222222222}');
INSERT INTO "events" VALUES(2,41,7.22838790006790077313e-02,'Reported','{"number":2,"step":3,"metrics":{"value":1.7652008751},"fidelity":0.3333333333333333}');
INSERT INTO "events" VALUES(2,42,7.2362726001301780343e-02,'Finished','{"number":2,"state":"paused","values":{"$tuple":[1.7652008751]},"metrics":{"value":1.7652008751},"fidelity":0.3333333333333333,"step":3,"steps":3,"duration":0.00024081700030365027}');
INSERT INTO "events" VALUES(2,43,7.99621300011494895443e-02,'Continued','{"number":3,"fidelity":1.0,"note":{"bracket":0,"rung":2,"why":"promoted"}}');
INSERT INTO "events" VALUES(2,44,7.99621300011494895443e-02,'Started','{"number":3,"segment":2,"worker":"runs 8134 1530714 vm 2"}');
INSERT INTO "events" VALUES(2,45,0.0802241880010115,'Reported','{"number":3,"step":1,"metrics":{"value":0.8718015166},"fidelity":0.1111111111111111}');
INSERT INTO "events" VALUES(2,46,8.02852779997920151799e-02,'Reported','{"number":3,"step":2,"metrics":{"value":1.7436030332},"fidelity":0.2222222222222222}');
INSERT INTO "events" VALUES(2,47,0.0803274509999028,'Reported','{"number":3,"step":3,"metrics":{"value":2.6154045498},"fidelity":0.3333333333333333}');
INSERT INTO "events" VALUES(2,48,8.03652070007956353947e-02,'Reported','{"number":3,"step":4,"metrics":{"value":3.4872060664},"fidelity":0.4444444444444444}');
INSERT INTO "events" VALUES(2,49,8.04156510002940194681e-02,'Reported','{"number":3,"step":5,"metrics":{"value":4.359007583},"fidelity":0.5555555555555556}');
INSERT INTO "events" VALUES(2,50,0.0804552200006583,'Reported','{"number":3,"step":6,"metrics":{"value":5.2308090996},"fidelity":0.6666666666666666}');
INSERT INTO "events" VALUES(2,51,8.04907920010009547695e-02,'Reported','{"number":3,"step":7,"metrics":{"value":6.102610616200001},"fidelity":0.7777777777777778}');
INSERT INTO "events" VALUES(2,52,8.05248630003916332498e-02,'Reported','{"number":3,"step":8,"metrics":{"value":6.9744121328},"fidelity":0.8888888888888888}');
INSERT INTO "events" VALUES(2,53,8.05598550014110514894e-02,'Reported','{"number":3,"step":9,"metrics":{"value":7.8462136494},"fidelity":1.0}');
INSERT INTO "events" VALUES(2,54,8.06382709997706115245e-02,'Finished','{"number":3,"state":"complete","values":{"$tuple":[7.8462136494]},"metrics":{"value":7.8462136494},"step":9,"steps":9,"duration":0.0004565860017464729}');
CREATE TABLE leases (
	study INTEGER NOT NULL, 
	what TEXT NOT NULL, 
	holder TEXT NOT NULL, 
	token INTEGER NOT NULL, 
	until FLOAT NOT NULL, 
	facts TEXT NOT NULL, 
	PRIMARY KEY (study, what), 
	FOREIGN KEY(study) REFERENCES studies (id) ON DELETE CASCADE
);
CREATE TABLE modelwright_schema (
	version INTEGER NOT NULL
);
INSERT INTO "modelwright_schema" VALUES(2);
CREATE TABLE studies (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	name TEXT NOT NULL, 
	created FLOAT NOT NULL, 
	definition TEXT NOT NULL, 
	UNIQUE (name)
);
INSERT INTO "studies" VALUES(1,'killed',1.79526207506500864031e+09,'{"objectives":[["loss","min"]],"strategy":"random","seed":5,"subject":"search.<locals>.function","kind":"function","unit":"step","steps":3,"budget":{"trials":12,"seconds":null},"parameters":[]}');
INSERT INTO "studies" VALUES(2,'rungs',1.79526207584198403363e+09,'{"objectives":[["value","max"]],"strategy":"hyperband","seed":0,"subject":"rungs.<locals>.function","kind":"function","unit":"step","steps":9,"budget":{"trials":6,"seconds":null},"parameters":[]}');
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('studies',2);
COMMIT;
