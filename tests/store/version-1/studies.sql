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
INSERT INTO "events" VALUES(1,0,1.24844999845663551241e-04,'Proposed','{"number":0,"config":{},"note":{"by":"default"}}');
INSERT INTO "events" VALUES(1,1,1.24844999845663551241e-04,'Started','{"number":0}');
INSERT INTO "events" VALUES(1,2,2.93010899986256845295e-03,'Grew','{"parameters":{"$tuple":[{"name":"kind","kind":"choice","values":{"$tuple":["plain","scaled"]},"ordered":false,"default":null},{"name":"x","kind":"float","low":-1.0,"high":1.0,"step":null,"sampling":"linear","default":null},{"name":"n","kind":"int","low":1,"high":5,"step":null,"sampling":"linear","default":null},{"name":"flag","kind":"boolean","default":false}]},"number":0}');
INSERT INTO "events" VALUES(1,3,2.93010899986256845295e-03,'Configured','{"number":0,"config":{"kind":"plain","x":-1.0,"n":1,"flag":false}}');
INSERT INTO "events" VALUES(1,4,3.30877899978077039122e-03,'Reported','{"number":0,"step":1,"metrics":{"loss":2.1},"fidelity":0.3333333333333333}');
INSERT INTO "events" VALUES(1,5,3.3796739999161218293e-03,'Reported','{"number":0,"step":2,"metrics":{"loss":1.6},"fidelity":0.6666666666666666}');
INSERT INTO "events" VALUES(1,6,3.42909800019697286188e-03,'Reported','{"number":0,"step":3,"metrics":{"loss":1.4333333333333333},"fidelity":1.0}');
INSERT INTO "events" VALUES(1,7,3.51661700005934108048e-03,'Finished','{"number":0,"state":"complete","values":{"$tuple":[1.4333333333333333]},"metrics":{"loss":1.4333333333333333},"step":3,"steps":3,"duration":0.0011155419997521676}');
INSERT INTO "events" VALUES(1,8,1.20596030001252074725e-02,'Proposed','{"number":1,"config":{"kind":"scaled","x":0.6545656314,"n":3,"flag":false},"note":{"by":"random"}}');
INSERT INTO "events" VALUES(1,9,1.20596030001252074725e-02,'Started','{"number":1}');
INSERT INTO "events" VALUES(1,10,1.31383299994922708719e-02,'Grew','{"parameters":{"$tuple":[{"name":"kind","kind":"choice","values":{"$tuple":["plain","scaled"]},"ordered":false,"default":null},{"name":"scale","kind":"float","low":0.1,"high":10.0,"step":null,"sampling":"log","default":null},{"name":"x","kind":"float","low":-1.0,"high":1.0,"step":null,"sampling":"linear","default":null},{"name":"n","kind":"int","low":1,"high":5,"step":null,"sampling":"linear","default":null},{"name":"flag","kind":"boolean","default":false}]},"number":1}');
INSERT INTO "events" VALUES(1,11,1.31383299994922708719e-02,'Configured','{"number":1,"config":{"kind":"scaled","scale":5.417094704,"x":0.6545656314,"n":3,"flag":false}}');
INSERT INTO "events" VALUES(1,12,1.38944099999207537621e-02,'Reported','{"number":1,"step":1,"metrics":{"loss":4.845844015277356},"fidelity":0.3333333333333333}');
INSERT INTO "events" VALUES(1,13,1.39749789996130857616e-02,'Reported','{"number":1,"step":2,"metrics":{"loss":4.345844015277356},"fidelity":0.6666666666666666}');
INSERT INTO "events" VALUES(1,14,1.40412370001286035403e-02,'Reported','{"number":1,"step":3,"metrics":{"loss":4.17917734861069},"fidelity":1.0}');
INSERT INTO "events" VALUES(1,15,1.41282959993986878544e-02,'Finished','{"number":1,"state":"complete","values":{"$tuple":[4.17917734861069]},"metrics":{"loss":4.17917734861069},"step":3,"steps":3,"duration":0.0016669880005792947}');
INSERT INTO "events" VALUES(1,16,1.48669499994866782799e-02,'Proposed','{"number":2,"config":{"kind":"scaled","x":-0.614254003,"n":5,"flag":true,"scale":1.373470827},"note":{"by":"random"}}');
INSERT INTO "events" VALUES(1,17,1.48669499994866782799e-02,'Started','{"number":2}');
INSERT INTO "events" VALUES(1,18,1.52315499999531311914e-02,'Configured','{"number":2,"config":{"kind":"scaled","scale":1.373470827,"x":-0.614254003,"n":5,"flag":true}}');
INSERT INTO "events" VALUES(1,19,1.53446369995435816235e-02,'Reported','{"number":2,"step":1,"metrics":{"loss":3.3436599534884706},"fidelity":0.3333333333333333}');
INSERT INTO "events" VALUES(1,20,1.53999289996136212721e-02,'Reported','{"number":2,"step":2,"metrics":{"loss":2.8436599534884706},"fidelity":0.6666666666666666}');
INSERT INTO "events" VALUES(1,21,1.5442111999618646223e-02,'Reported','{"number":2,"step":3,"metrics":{"loss":2.676993286821804},"fidelity":1.0}');
INSERT INTO "events" VALUES(1,22,1.55093710000073770061e-02,'Finished','{"number":2,"state":"complete","values":{"$tuple":[2.676993286821804]},"metrics":{"loss":2.676993286821804},"step":3,"steps":3,"duration":0.0003857420006170287}');
INSERT INTO "events" VALUES(1,23,0.016074197999842,'Proposed','{"number":3,"config":{"kind":"scaled","x":0.9071014038,"n":5,"flag":true,"scale":1.317491808},"note":{"by":"random"}}');
INSERT INTO "events" VALUES(1,24,0.016074197999842,'Started','{"number":3}');
INSERT INTO "events" VALUES(1,25,1.64195489996927790343e-02,'Configured','{"number":3,"config":{"kind":"scaled","scale":1.317491808,"x":0.9071014038,"n":5,"flag":true}}');
INSERT INTO "events" VALUES(1,26,1.65526060000047436915e-02,'Finished','{"number":3,"state":"infeasible","values":{"$tuple":[{"$float":"nan"}]},"metrics":{"loss":{"$float":"nan"}},"duration":0.00023581999994348735,"error":{"$Failure":{"kind":"nan","message":"the result is not a finite number: loss=nan","traceback":"","where":"","type":""}}}');
INSERT INTO "events" VALUES(2,0,1.86646999281947501003e-04,'Proposed','{"number":0,"config":{},"fidelity":0.1111111111111111,"note":{"by":"default","bracket":0,"rung":0}}');
INSERT INTO "events" VALUES(2,1,1.86646999281947501003e-04,'Started','{"number":0}');
INSERT INTO "events" VALUES(2,2,4.32520499998645391315e-03,'Grew','{"parameters":{"$tuple":[{"name":"height","kind":"float","low":0.0,"high":1.0,"step":null,"sampling":"linear","default":null}]},"number":0}');
INSERT INTO "events" VALUES(2,3,4.32520499998645391315e-03,'Configured','{"number":0,"config":{"height":0.0}}');
INSERT INTO "events" VALUES(2,4,4.49724999998579733073e-03,'Reported','{"number":0,"step":1,"metrics":{"value":0.0},"fidelity":0.1111111111111111}');
INSERT INTO "events" VALUES(2,5,4.59059799959504744037e-03,'Finished','{"number":0,"state":"paused","values":{"$tuple":[0.0]},"metrics":{"value":0.0},"fidelity":0.1111111111111111,"step":1,"steps":1,"duration":0.00047352100045827683}');
INSERT INTO "events" VALUES(2,6,5.3978839996489114128e-03,'Proposed','{"number":1,"config":{"height":0.1720436894},"fidelity":0.1111111111111111,"note":{"by":"random","bracket":0,"rung":0}}');
INSERT INTO "events" VALUES(2,7,5.3978839996489114128e-03,'Started','{"number":1}');
INSERT INTO "events" VALUES(2,8,5.7337109992658952251e-03,'Configured','{"number":1,"config":{"height":0.1720436894}}');
INSERT INTO "events" VALUES(2,9,5.88709799922071397304e-03,'Reported','{"number":1,"step":1,"metrics":{"value":0.1720436894},"fidelity":0.1111111111111111}');
INSERT INTO "events" VALUES(2,10,5.99968499955139122903e-03,'Finished','{"number":1,"state":"paused","values":{"$tuple":[0.1720436894]},"metrics":{"value":0.1720436894},"fidelity":0.1111111111111111,"step":1,"steps":1,"duration":0.0003125630000795354}');
INSERT INTO "events" VALUES(2,11,6.58260799991694511845e-03,'Proposed','{"number":2,"config":{"height":0.5884002917},"fidelity":0.1111111111111111,"note":{"by":"random","bracket":0,"rung":0}}');
INSERT INTO "events" VALUES(2,12,6.58260799991694511845e-03,'Started','{"number":2}');
INSERT INTO "events" VALUES(2,13,6.87729499986744485795e-03,'Configured','{"number":2,"config":{"height":0.5884002917}}');
INSERT INTO "events" VALUES(2,14,6.9585349992848932743e-03,'Reported','{"number":2,"step":1,"metrics":{"value":0.5884002917},"fidelity":0.1111111111111111}');
INSERT INTO "events" VALUES(2,15,7.05829299931792775169e-03,'Finished','{"number":2,"state":"paused","values":{"$tuple":[0.5884002917]},"metrics":{"value":0.5884002917},"fidelity":0.1111111111111111,"step":1,"steps":1,"duration":0.00021732200002588797}');
INSERT INTO "events" VALUES(2,16,7.48402299996087094768e-03,'Proposed','{"number":3,"config":{"height":0.8718015166},"fidelity":0.1111111111111111,"note":{"by":"random","bracket":0,"rung":0}}');
INSERT INTO "events" VALUES(2,17,7.48402299996087094768e-03,'Started','{"number":3}');
INSERT INTO "events" VALUES(2,18,7.76707199929660419002e-03,'Configured','{"number":3,"config":{"height":0.8718015166}}');
INSERT INTO "events" VALUES(2,19,0.00785575399913796,'Reported','{"number":3,"step":1,"metrics":{"value":0.8718015166},"fidelity":0.1111111111111111}');
INSERT INTO "events" VALUES(2,20,0.00796923199959565,'Finished','{"number":3,"state":"paused","values":{"$tuple":[0.8718015166]},"metrics":{"value":0.8718015166},"fidelity":0.1111111111111111,"step":1,"steps":1,"duration":0.00024569299966969993}');
INSERT INTO "events" VALUES(2,21,8.51541999963956186547e-03,'Proposed','{"number":4,"config":{"height":0.2984701534},"fidelity":0.1111111111111111,"note":{"by":"random","bracket":0,"rung":0}}');
INSERT INTO "events" VALUES(2,22,8.51541999963956186547e-03,'Started','{"number":4}');
INSERT INTO "events" VALUES(2,23,8.80636099918774561956e-03,'Configured','{"number":4,"config":{"height":0.2984701534}}');
INSERT INTO "events" VALUES(2,24,8.88624899926071520894e-03,'Reported','{"number":4,"step":1,"metrics":{"value":0.2984701534},"fidelity":0.1111111111111111}');
INSERT INTO "events" VALUES(2,25,8.98215199958940502256e-03,'Finished','{"number":4,"state":"paused","values":{"$tuple":[0.2984701534]},"metrics":{"value":0.2984701534},"fidelity":0.1111111111111111,"step":1,"steps":1,"duration":0.00021623999964504037}');
INSERT INTO "events" VALUES(2,26,0.00951485999939905,'Proposed','{"number":5,"config":{"height":0.3413220155},"fidelity":0.1111111111111111,"note":{"by":"random","bracket":0,"rung":0}}');
INSERT INTO "events" VALUES(2,27,0.00951485999939905,'Started','{"number":5}');
INSERT INTO "events" VALUES(2,28,9.79517499945359304547e-03,'Configured','{"number":5,"config":{"height":0.3413220155}}');
INSERT INTO "events" VALUES(2,29,0.00987648599948443,'Reported','{"number":5,"step":1,"metrics":{"value":0.3413220155},"fidelity":0.1111111111111111}');
INSERT INTO "events" VALUES(2,30,9.97040499987633666023e-03,'Finished','{"number":5,"state":"paused","values":{"$tuple":[0.3413220155]},"metrics":{"value":0.3413220155},"fidelity":0.1111111111111111,"step":1,"steps":1,"duration":0.0002151790004063514}');
INSERT INTO "events" VALUES(2,31,1.04080029996111989021e-02,'Continued','{"number":3,"fidelity":0.3333333333333333,"note":{"bracket":0,"rung":1}}');
INSERT INTO "events" VALUES(2,32,1.05569939996712491847e-02,'Started','{"number":3,"segment":1}');
INSERT INTO "events" VALUES(2,33,1.07628579999072826467e-02,'Reported','{"number":3,"step":1,"metrics":{"value":0.8718015166},"fidelity":0.1111111111111111}');
INSERT INTO "events" VALUES(2,34,1.0854183999981614761e-02,'Reported','{"number":3,"step":2,"metrics":{"value":1.7436030332},"fidelity":0.2222222222222222}');
INSERT INTO "events" VALUES(2,35,1.09307369993985048495e-02,'Reported','{"number":3,"step":3,"metrics":{"value":2.6154045498},"fidelity":0.3333333333333333}');
INSERT INTO "events" VALUES(2,36,1.10365739992630551569e-02,'Finished','{"number":3,"state":"paused","values":{"$tuple":[2.6154045498]},"metrics":{"value":2.6154045498},"fidelity":0.3333333333333333,"step":3,"steps":3,"duration":0.0003137840003546444}');
INSERT INTO "events" VALUES(2,37,1.15692829995168722234e-02,'Continued','{"number":2,"fidelity":0.3333333333333333,"note":{"bracket":0,"rung":1}}');
INSERT INTO "events" VALUES(2,38,1.1651644999801646918e-02,'Started','{"number":2,"segment":1}');
INSERT INTO "events" VALUES(2,39,1.18502789991907775402e-02,'Reported','{"number":2,"step":1,"metrics":{"value":0.5884002917},"fidelity":0.1111111111111111}');
INSERT INTO "events" VALUES(2,40,1.19394710000051418319e-02,'Reported','{"number":2,"step":2,"metrics":{"value":1.1768005834},"fidelity":0.2222222222222222}');
INSERT INTO "events" VALUES(2,41,1.20151129995065275579e-02,'Reported','{"number":2,"step":3,"metrics":{"value":1.7652008751},"fidelity":0.3333333333333333}');
INSERT INTO "events" VALUES(2,42,1.21522859999458887614e-02,'Finished','{"number":2,"state":"paused","values":{"$tuple":[1.7652008751]},"metrics":{"value":1.7652008751},"fidelity":0.3333333333333333,"step":3,"steps":3,"duration":0.00034172600044257706}');
INSERT INTO "events" VALUES(2,43,1.25633049992757150903e-02,'Continued','{"number":3,"fidelity":1.0,"note":{"bracket":0,"rung":2}}');
INSERT INTO "events" VALUES(2,44,1.26444749994334415532e-02,'Started','{"number":3,"segment":2}');
INSERT INTO "events" VALUES(2,45,1.28375909998794668354e-02,'Reported','{"number":3,"step":1,"metrics":{"value":0.8718015166},"fidelity":0.1111111111111111}');
INSERT INTO "events" VALUES(2,46,1.29219859991280827671e-02,'Reported','{"number":3,"step":2,"metrics":{"value":1.7436030332},"fidelity":0.2222222222222222}');
INSERT INTO "events" VALUES(2,47,1.29945929993482423014e-02,'Reported','{"number":3,"step":3,"metrics":{"value":2.6154045498},"fidelity":0.3333333333333333}');
INSERT INTO "events" VALUES(2,48,1.30676109993146383203e-02,'Reported','{"number":3,"step":4,"metrics":{"value":3.4872060664},"fidelity":0.4444444444444444}');
INSERT INTO "events" VALUES(2,49,1.31368739994286443106e-02,'Reported','{"number":3,"step":5,"metrics":{"value":4.359007583},"fidelity":0.5555555555555556}');
INSERT INTO "events" VALUES(2,50,1.32031719995211460627e-02,'Reported','{"number":3,"step":6,"metrics":{"value":5.2308090996},"fidelity":0.6666666666666666}');
INSERT INTO "events" VALUES(2,51,1.32708819992330973036e-02,'Reported','{"number":3,"step":7,"metrics":{"value":6.102610616200001},"fidelity":0.7777777777777778}');
INSERT INTO "events" VALUES(2,52,1.33369199993467191234e-02,'Reported','{"number":3,"step":8,"metrics":{"value":6.9744121328},"fidelity":0.8888888888888888}');
INSERT INTO "events" VALUES(2,53,1.33971489995019510388e-02,'Reported','{"number":3,"step":9,"metrics":{"value":7.8462136494},"fidelity":1.0}');
INSERT INTO "events" VALUES(2,54,1.34887249996609170921e-02,'Finished','{"number":3,"state":"complete","values":{"$tuple":[7.8462136494]},"metrics":{"value":7.8462136494},"step":9,"steps":9,"duration":0.0006871679997857427}');
CREATE TABLE modelwright_schema (
	version INTEGER NOT NULL
);
INSERT INTO "modelwright_schema" VALUES(1);
CREATE TABLE studies (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	name TEXT NOT NULL, 
	created FLOAT NOT NULL, 
	definition TEXT NOT NULL, 
	UNIQUE (name)
);
INSERT INTO "studies" VALUES(1,'killed',1.79525462034628343578e+09,'{"objectives":[["loss","min"]],"strategy":"random","seed":5,"subject":"search.<locals>.function","kind":"function","unit":"step","steps":3,"budget":{"trials":12,"seconds":null},"parameters":[]}');
INSERT INTO "studies" VALUES(2,'rungs',1.79525462038850665098e+09,'{"objectives":[["value","max"]],"strategy":"hyperband","seed":0,"subject":"rungs.<locals>.function","kind":"function","unit":"step","steps":9,"budget":{"trials":6,"seconds":null},"parameters":[]}');
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('studies',2);
COMMIT;
