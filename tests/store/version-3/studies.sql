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
INSERT INTO "events" VALUES(1,0,1.29694999850471504032e-03,'Proposed','{"number":0,"config":{},"note":{"by":"default"}}');
INSERT INTO "events" VALUES(1,1,1.29694999850471504032e-03,'Started','{"number":0,"worker":"runs 8567 2634284 vm 1"}');
INSERT INTO "events" VALUES(1,2,4.12969500030158087611e-03,'Grew','{"parameters":{"$tuple":[{"name":"kind","kind":"choice","values":{"$tuple":["plain","scaled"]},"ordered":false,"default":null},{"name":"x","kind":"float","low":-1.0,"high":1.0,"step":null,"sampling":"linear","default":null},{"name":"n","kind":"int","low":1,"high":5,"step":null,"sampling":"linear","default":null},{"name":"flag","kind":"boolean","default":false}]},"number":0}');
INSERT INTO "events" VALUES(1,3,4.12969500030158087611e-03,'Configured','{"number":0,"config":{"kind":"plain","x":-1.0,"n":1,"flag":false}}');
INSERT INTO "events" VALUES(1,4,4.63827799831051379442e-03,'Reported','{"number":0,"step":1,"metrics":{"loss":2.1},"fidelity":0.3333333333333333}');
INSERT INTO "events" VALUES(1,5,4.73852700088173151016e-03,'Reported','{"number":0,"step":2,"metrics":{"loss":1.6},"fidelity":0.6666666666666666}');
INSERT INTO "events" VALUES(1,6,4.8512339999433606863e-03,'Reported','{"number":0,"step":3,"metrics":{"loss":1.4333333333333333},"fidelity":1.0}');
INSERT INTO "events" VALUES(1,7,5.00822599860839545726e-03,'Finished','{"number":0,"state":"complete","values":{"$tuple":[1.4333333333333333]},"metrics":{"loss":1.4333333333333333},"step":3,"steps":3,"duration":0.001382516999001382}');
INSERT INTO "events" VALUES(1,8,5.97983500119880773127e-03,'Proposed','{"number":1,"config":{"kind":"scaled","x":0.6545656314,"n":3,"flag":false},"note":{"by":"random"}}');
INSERT INTO "events" VALUES(1,9,5.97983500119880773127e-03,'Started','{"number":1,"worker":"runs 8567 2634284 vm 1"}');
INSERT INTO "events" VALUES(1,10,6.64912600041134282946e-03,'Grew','{"parameters":{"$tuple":[{"name":"kind","kind":"choice","values":{"$tuple":["plain","scaled"]},"ordered":false,"default":null},{"name":"scale","kind":"float","low":0.1,"high":10.0,"step":null,"sampling":"log","default":null},{"name":"x","kind":"float","low":-1.0,"high":1.0,"step":null,"sampling":"linear","default":null},{"name":"n","kind":"int","low":1,"high":5,"step":null,"sampling":"linear","default":null},{"name":"flag","kind":"boolean","default":false}]},"number":1}');
INSERT INTO "events" VALUES(1,11,6.64912600041134282946e-03,'Configured','{"number":1,"config":{"kind":"scaled","scale":5.417094704,"x":0.6545656314,"n":3,"flag":false}}');
INSERT INTO "events" VALUES(1,12,7.1866319995024241507e-03,'Reported','{"number":1,"step":1,"metrics":{"loss":4.845844015277356},"fidelity":0.3333333333333333}');
INSERT INTO "events" VALUES(1,13,7.27829799870960414409e-03,'Reported','{"number":1,"step":2,"metrics":{"loss":4.345844015277356},"fidelity":0.6666666666666666}');
INSERT INTO "events" VALUES(1,14,7.3438250001345295459e-03,'Reported','{"number":1,"step":3,"metrics":{"loss":4.17917734861069},"fidelity":1.0}');
INSERT INTO "events" VALUES(1,15,7.45241600088775157928e-03,'Finished','{"number":1,"state":"complete","values":{"$tuple":[4.17917734861069]},"metrics":{"loss":4.17917734861069},"step":3,"steps":3,"duration":0.0012026609983877279}');
INSERT INTO "events" VALUES(1,16,8.0255339998984709382e-03,'Proposed','{"number":2,"config":{"kind":"scaled","x":-0.614254003,"n":5,"flag":true,"scale":1.373470827},"note":{"by":"random"}}');
INSERT INTO "events" VALUES(1,17,8.0255339998984709382e-03,'Started','{"number":2,"worker":"runs 8567 2634284 vm 1"}');
INSERT INTO "events" VALUES(1,18,8.37736500034225173294e-03,'Configured','{"number":2,"config":{"kind":"scaled","scale":1.373470827,"x":-0.614254003,"n":5,"flag":true}}');
INSERT INTO "events" VALUES(1,19,8.49616100094863213598e-03,'Reported','{"number":2,"step":1,"metrics":{"loss":3.3436599534884706},"fidelity":0.3333333333333333}');
INSERT INTO "events" VALUES(1,20,8.56965999992098659276e-03,'Reported','{"number":2,"step":2,"metrics":{"loss":2.8436599534884706},"fidelity":0.6666666666666666}');
INSERT INTO "events" VALUES(1,21,0.00863851200119825,'Reported','{"number":2,"step":3,"metrics":{"loss":2.676993286821804},"fidelity":1.0}');
INSERT INTO "events" VALUES(1,22,8.73670700093498453497e-03,'Finished','{"number":2,"state":"complete","values":{"$tuple":[2.676993286821804]},"metrics":{"loss":2.676993286821804},"step":3,"steps":3,"duration":0.0004681030004576314}');
INSERT INTO "events" VALUES(1,23,9.27346200114698149263e-03,'Proposed','{"number":3,"config":{"kind":"scaled","x":0.9071014038,"n":5,"flag":true,"scale":1.317491808},"note":{"by":"random"}}');
INSERT INTO "events" VALUES(1,24,9.27346200114698149263e-03,'Started','{"number":3,"worker":"runs 8567 2634284 vm 1"}');
INSERT INTO "events" VALUES(1,25,9.62794700171798467636e-03,'Configured','{"number":3,"config":{"kind":"scaled","scale":1.317491808,"x":0.9071014038,"n":5,"flag":true}}');
INSERT INTO "events" VALUES(1,26,9.76839500071946531534e-03,'Finished','{"number":3,"state":"infeasible","values":{"$tuple":[{"$float":"nan"}]},"metrics":{"loss":{"$float":"nan"}},"duration":0.00023392599905491807,"error":{"$Failure":{"kind":"nan","message":"the result is not a finite number: loss=nan","traceback":"","where":"","type":"","peak_bytes":0}}}');
INSERT INTO "events" VALUES(2,0,8.83568001881940290331e-04,'Proposed','{"number":0,"config":{},"fidelity":0.1111111111111111,"note":{"by":"default","bracket":0,"rung":0,"first":0.111111111}}');
INSERT INTO "events" VALUES(2,1,8.83568001881940290331e-04,'Started','{"number":0,"worker":"runs 8567 2634284 vm 2"}');
INSERT INTO "events" VALUES(2,2,2.60993499978212639689e-03,'Grew','{"parameters":{"$tuple":[{"name":"height","kind":"float","low":0.0,"high":1.0,"step":null,"sampling":"linear","default":null}]},"number":0}');
INSERT INTO "events" VALUES(2,3,2.60993499978212639689e-03,'Configured','{"number":0,"config":{"height":0.0}}');
INSERT INTO "events" VALUES(2,4,0.00280262999876868,'Reported','{"number":0,"step":1,"metrics":{"value":0.0},"fidelity":0.1111111111111111}');
INSERT INTO "events" VALUES(2,5,2.96334800077602267265e-03,'Finished','{"number":0,"state":"paused","values":{"$tuple":[0.0]},"metrics":{"value":0.0},"fidelity":0.1111111111111111,"step":1,"steps":1,"duration":0.0005833939976582769}');
INSERT INTO "events" VALUES(2,6,3.73521100118523463606e-03,'Proposed','{"number":1,"config":{"height":0.1720436894},"fidelity":0.1111111111111111,"note":{"by":"random","plan":[[9,1],[3,3],[1,9]],"bracket":0,"rung":0,"first":0.111111111}}');
INSERT INTO "events" VALUES(2,7,3.73521100118523463606e-03,'Started','{"number":1,"worker":"runs 8567 2634284 vm 2"}');
INSERT INTO "events" VALUES(2,8,4.17650500094168819487e-03,'Configured','{"number":1,"config":{"height":0.1720436894}}');
INSERT INTO "events" VALUES(2,9,4.25843600169173441827e-03,'Reported','{"number":1,"step":1,"metrics":{"value":0.1720436894},"fidelity":0.1111111111111111}');
INSERT INTO "events" VALUES(2,10,4.36213899956783279776e-03,'Finished','{"number":1,"state":"paused","values":{"$tuple":[0.1720436894]},"metrics":{"value":0.1720436894},"fidelity":0.1111111111111111,"step":1,"steps":1,"duration":0.0002103810002154205}');
INSERT INTO "events" VALUES(2,11,4.87941499886801466345e-03,'Proposed','{"number":2,"config":{"height":0.5884002917},"fidelity":0.1111111111111111,"note":{"by":"random","bracket":0,"rung":0,"first":0.111111111}}');
INSERT INTO "events" VALUES(2,12,4.87941499886801466345e-03,'Started','{"number":2,"worker":"runs 8567 2634284 vm 2"}');
INSERT INTO "events" VALUES(2,13,5.1260210020700469613e-03,'Configured','{"number":2,"config":{"height":0.5884002917}}');
INSERT INTO "events" VALUES(2,14,5.19534300110535696148e-03,'Reported','{"number":2,"step":1,"metrics":{"value":0.5884002917},"fidelity":0.1111111111111111}');
INSERT INTO "events" VALUES(2,15,5.29104499946697615087e-03,'Finished','{"number":2,"state":"paused","values":{"$tuple":[0.5884002917]},"metrics":{"value":0.5884002917},"fidelity":0.1111111111111111,"step":1,"steps":1,"duration":0.00018127800285583362}');
INSERT INTO "events" VALUES(2,16,0.00578911300181062,'Proposed','{"number":3,"config":{"height":0.8718015166},"fidelity":0.1111111111111111,"note":{"by":"random","bracket":0,"rung":0,"first":0.111111111}}');
INSERT INTO "events" VALUES(2,17,0.00578911300181062,'Started','{"number":3,"worker":"runs 8567 2634284 vm 2"}');
INSERT INTO "events" VALUES(2,18,6.04564199966262094676e-03,'Configured','{"number":3,"config":{"height":0.8718015166}}');
INSERT INTO "events" VALUES(2,19,6.10887600123533047735e-03,'Reported','{"number":3,"step":1,"metrics":{"value":0.8718015166},"fidelity":0.1111111111111111}');
INSERT INTO "events" VALUES(2,20,6.21375099944998510181e-03,'Finished','{"number":3,"state":"paused","values":{"$tuple":[0.8718015166]},"metrics":{"value":0.8718015166},"fidelity":0.1111111111111111,"step":1,"steps":1,"duration":0.000182529998710379}');
INSERT INTO "events" VALUES(2,21,6.77678500142064876854e-03,'Proposed','{"number":4,"config":{"height":0.2984701534},"fidelity":0.1111111111111111,"note":{"by":"random","bracket":0,"rung":0,"first":0.111111111}}');
INSERT INTO "events" VALUES(2,22,6.77678500142064876854e-03,'Started','{"number":4,"worker":"runs 8567 2634284 vm 2"}');
INSERT INTO "events" VALUES(2,23,7.01920400024391710758e-03,'Configured','{"number":4,"config":{"height":0.2984701534}}');
INSERT INTO "events" VALUES(2,24,7.09061000088695436716e-03,'Reported','{"number":4,"step":1,"metrics":{"value":0.2984701534},"fidelity":0.1111111111111111}');
INSERT INTO "events" VALUES(2,25,7.18105399937485344707e-03,'Finished','{"number":4,"state":"paused","values":{"$tuple":[0.2984701534]},"metrics":{"value":0.2984701534},"fidelity":0.1111111111111111,"step":1,"steps":1,"duration":0.0001790750029613264}');
INSERT INTO "events" VALUES(2,26,7.65615700220223516225e-03,'Proposed','{"number":5,"config":{"height":0.3413220155},"fidelity":0.1111111111111111,"note":{"by":"random","bracket":0,"rung":0,"first":0.111111111}}');
INSERT INTO "events" VALUES(2,27,7.65615700220223516225e-03,'Started','{"number":5,"worker":"runs 8567 2634284 vm 2"}');
INSERT INTO "events" VALUES(2,28,7.88382400060072541236e-03,'Configured','{"number":5,"config":{"height":0.3413220155}}');
INSERT INTO "events" VALUES(2,29,7.94455399955040775239e-03,'Reported','{"number":5,"step":1,"metrics":{"value":0.3413220155},"fidelity":0.1111111111111111}');
INSERT INTO "events" VALUES(2,30,8.04426200193120166659e-03,'Finished','{"number":5,"state":"paused","values":{"$tuple":[0.3413220155]},"metrics":{"value":0.3413220155},"fidelity":0.1111111111111111,"step":1,"steps":1,"duration":0.00017603100059204735}');
INSERT INTO "events" VALUES(2,31,8.65559700105222873389e-03,'Continued','{"number":3,"fidelity":0.3333333333333333,"note":{"bracket":0,"rung":1,"why":"promoted"}}');
INSERT INTO "events" VALUES(2,32,8.65559700105222873389e-03,'Started','{"number":3,"segment":1,"worker":"runs 8567 2634284 vm 2"}');
INSERT INTO "events" VALUES(2,33,1.23998320013924967497e-02,'Reported','{"number":3,"step":1,"metrics":{"value":0.8718015166},"fidelity":0.1111111111111111}');
INSERT INTO "events" VALUES(2,34,1.24980770015099551528e-02,'Reported','{"number":3,"step":2,"metrics":{"value":1.7436030332},"fidelity":0.2222222222222222}');
INSERT INTO "events" VALUES(2,35,1.25609400020039174705e-02,'Reported','{"number":3,"step":3,"metrics":{"value":2.6154045498},"fidelity":0.3333333333333333}');
INSERT INTO "events" VALUES(2,36,1.26765820023138076066e-02,'Finished','{"number":3,"state":"paused","values":{"$tuple":[2.6154045498]},"metrics":{"value":2.6154045498},"fidelity":0.3333333333333333,"step":3,"steps":3,"duration":0.000322006999340374}');
INSERT INTO "events" VALUES(2,37,1.33031289988139178603e-02,'Continued','{"number":2,"fidelity":0.3333333333333333,"note":{"bracket":0,"rung":1,"why":"promoted"}}');
INSERT INTO "events" VALUES(2,38,1.33031289988139178603e-02,'Started','{"number":2,"segment":1,"worker":"runs 8567 2634284 vm 2"}');
INSERT INTO "events" VALUES(2,39,1.35344520022044889628e-02,'Reported','{"number":2,"step":1,"metrics":{"value":0.5884002917},"fidelity":0.1111111111111111}');
INSERT INTO "events" VALUES(2,40,0.0136017320000974,'Reported','{"number":2,"step":2,"metrics":{"value":1.1768005834},"fidelity":0.2222222222222222}');
INSERT INTO "events" VALUES(2,41,1.36560819992155302315e-02,'Reported','{"number":2,"step":3,"metrics":{"value":1.7652008751},"fidelity":0.3333333333333333}');
INSERT INTO "events" VALUES(2,42,1.37463460014259908348e-02,'Finished','{"number":2,"state":"paused","values":{"$tuple":[1.7652008751]},"metrics":{"value":1.7652008751},"fidelity":0.3333333333333333,"step":3,"steps":3,"duration":0.00023752199922455475}');
INSERT INTO "events" VALUES(2,43,1.42565810019732452929e-02,'Continued','{"number":3,"fidelity":1.0,"note":{"bracket":0,"rung":2,"why":"promoted"}}');
INSERT INTO "events" VALUES(2,44,1.42565810019732452929e-02,'Started','{"number":3,"segment":2,"worker":"runs 8567 2634284 vm 2"}');
INSERT INTO "events" VALUES(2,45,1.45314180008426774293e-02,'Reported','{"number":3,"step":1,"metrics":{"value":0.8718015166},"fidelity":0.1111111111111111}');
INSERT INTO "events" VALUES(2,46,1.46062690000690054148e-02,'Reported','{"number":3,"step":2,"metrics":{"value":1.7436030332},"fidelity":0.2222222222222222}');
INSERT INTO "events" VALUES(2,47,0.0146600389998639,'Reported','{"number":3,"step":3,"metrics":{"value":2.6154045498},"fidelity":0.3333333333333333}');
INSERT INTO "events" VALUES(2,48,1.47086210017732810229e-02,'Reported','{"number":3,"step":4,"metrics":{"value":3.4872060664},"fidelity":0.4444444444444444}');
INSERT INTO "events" VALUES(2,49,1.47554499999387189745e-02,'Reported','{"number":3,"step":5,"metrics":{"value":4.359007583},"fidelity":0.5555555555555556}');
INSERT INTO "events" VALUES(2,50,1.48030810014461167156e-02,'Reported','{"number":3,"step":6,"metrics":{"value":5.2308090996},"fidelity":0.6666666666666666}');
INSERT INTO "events" VALUES(2,51,1.48488990016630850732e-02,'Reported','{"number":3,"step":7,"metrics":{"value":6.102610616200001},"fidelity":0.7777777777777778}');
INSERT INTO "events" VALUES(2,52,1.49049409992585424333e-02,'Reported','{"number":3,"step":8,"metrics":{"value":6.9744121328},"fidelity":0.8888888888888888}');
INSERT INTO "events" VALUES(2,53,1.49595820003014523535e-02,'Reported','{"number":3,"step":9,"metrics":{"value":7.8462136494},"fidelity":1.0}');
INSERT INTO "events" VALUES(2,54,1.50480430020252242684e-02,'Finished','{"number":3,"state":"complete","values":{"$tuple":[7.8462136494]},"metrics":{"value":7.8462136494},"step":9,"steps":9,"duration":0.000537015002919361}');
CREATE TABLE kept (
	study INTEGER NOT NULL, 
	form TEXT NOT NULL, 
	name TEXT NOT NULL, 
	count INTEGER NOT NULL, 
	body TEXT NOT NULL, 
	PRIMARY KEY (study, form, name), 
	FOREIGN KEY(study) REFERENCES studies (id) ON DELETE CASCADE
);
INSERT INTO "kept" VALUES(1,'1-905216f7','rows/0',27,'340eb965[[0,{"kind":"plain","x":-1.0,"n":1,"flag":false},"complete",1.0,1.0,null,{"by":"default"},[1.4333333333333333],{"loss":1.4333333333333333},3,3,0,0,0.001382516999001382,"runs 8567 2634284 vm 1",null,{},{},[[1,{"loss":2.1}],[2,{"loss":1.6}],[3,{"loss":1.4333333333333333}]],[[1.0,[1.4333333333333333]]],true,"",[]],[1,{"kind":"scaled","scale":5.417094704,"x":0.6545656314,"n":3,"flag":false},"complete",1.0,1.0,null,{"by":"random"},[4.17917734861069],{"loss":4.17917734861069},3,3,0,0,0.0012026609983877279,"runs 8567 2634284 vm 1",null,{},{},[[1,{"loss":4.845844015277356}],[2,{"loss":4.345844015277356}],[3,{"loss":4.17917734861069}]],[[1.0,[4.17917734861069]]],true,"",[]],[2,{"kind":"scaled","scale":1.373470827,"x":-0.614254003,"n":5,"flag":true},"complete",1.0,1.0,null,{"by":"random"},[2.676993286821804],{"loss":2.676993286821804},3,3,0,0,0.0004681030004576314,"runs 8567 2634284 vm 1",null,{},{},[[1,{"loss":3.3436599534884706}],[2,{"loss":2.8436599534884706}],[3,{"loss":2.676993286821804}]],[[1.0,[2.676993286821804]]],true,"",[]],[3,{"kind":"scaled","scale":1.317491808,"x":0.9071014038,"n":5,"flag":true},"infeasible",1.0,1.0,null,{"by":"random"},[{"$float":"nan"}],{"loss":{"$float":"nan"}},null,0,0,0,0.00023392599905491807,"runs 8567 2634284 vm 1",{"$Failure":{"kind":"nan","message":"the result is not a finite number: loss=nan","traceback":"","where":"","type":"","peak_bytes":0}},{},{},[],[[1.0,[{"$float":"nan"}]]],true,"",[]]]');
INSERT INTO "kept" VALUES(1,'1-905216f7','head',27,'0e6ed1ab{"count":27,"last":"4aeee711","rows":4,"notes":0,"elapsed":0.009768395000719465,"started":4,"limits":[],"confirmed":[],"grown":[[{"name":"kind","kind":"choice","values":{"$tuple":["plain","scaled"]},"ordered":false,"default":null},{"name":"x","kind":"float","low":-1.0,"high":1.0,"step":null,"sampling":"linear","default":null},{"name":"n","kind":"int","low":1,"high":5,"step":null,"sampling":"linear","default":null},{"name":"flag","kind":"boolean","default":false}],[{"name":"kind","kind":"choice","values":{"$tuple":["plain","scaled"]},"ordered":false,"default":null},{"name":"scale","kind":"float","low":0.1,"high":10.0,"step":null,"sampling":"log","default":null},{"name":"x","kind":"float","low":-1.0,"high":1.0,"step":null,"sampling":"linear","default":null},{"name":"n","kind":"int","low":1,"high":5,"step":null,"sampling":"linear","default":null},{"name":"flag","kind":"boolean","default":false}]],"more":{"learned":{"hints":{"scale":["kind",[{"$tuple":["str","scaled"]}],null,null]},"seen":{"count":4,"seen":{"kind":[[{"$tuple":["str","plain"]},{"$tuple":["str","scaled"]}],{"$float":"inf"},{"$float":"-inf"},false],"n":[[{"$tuple":["int",1]},{"$tuple":["int",3]},{"$tuple":["int",5]}],1,5,false],"flag":[[{"$tuple":["bool",false]},{"$tuple":["bool",true]}],{"$float":"inf"},{"$float":"-inf"},false]},"splits":{"scale":{"kind":[[[{"$tuple":["str","scaled"]}],{"$float":"inf"},{"$float":"-inf"},false],[[{"$tuple":["str","plain"]}],{"$float":"inf"},{"$float":"-inf"},false]],"n":[[[{"$tuple":["int",3]},{"$tuple":["int",5]}],3,5,false],[[{"$tuple":["int",1]}],1,1,false]]}},"always":["flag","kind","n","x"],"restarts":{}}}}}');
INSERT INTO "kept" VALUES(2,'1-905216f7','rows/0',55,'209d9d55[[0,{"height":0.0},"paused",0.1111111111111111,0.1111111111111111,null,{"by":"default","bracket":0,"rung":0,"first":0.111111111},[0.0],{"value":0.0},1,1,0,0,0.0005833939976582769,"runs 8567 2634284 vm 2",null,{},{},[[1,{"value":0.0}]],[[0.111111111,[0.0]]],true,"",[]],[1,{"height":0.1720436894},"paused",0.1111111111111111,0.1111111111111111,null,{"by":"random","plan":[[9,1],[3,3],[1,9]],"bracket":0,"rung":0,"first":0.111111111},[0.1720436894],{"value":0.1720436894},1,1,0,0,0.0002103810002154205,"runs 8567 2634284 vm 2",null,{},{},[[1,{"value":0.1720436894}]],[[0.111111111,[0.1720436894]]],true,"",[]],[2,{"height":0.5884002917},"paused",0.3333333333333333,0.3333333333333333,null,{"by":"random","bracket":0,"rung":1,"first":0.111111111,"why":"promoted"},[1.7652008751],{"value":1.7652008751},3,3,1,0,0.00041880000208038837,"runs 8567 2634284 vm 2",null,{},{},[[1,{"value":0.5884002917}],[2,{"value":1.1768005834}],[3,{"value":1.7652008751}]],[[0.111111111,[0.5884002917]],[0.333333333,[1.7652008751]]],true,"",[]],[3,{"height":0.8718015166},"complete",1.0,1.0,null,{"by":"random","bracket":0,"rung":2,"first":0.111111111,"why":"promoted"},[7.8462136494],{"value":7.8462136494},9,9,2,0,0.001041552000970114,"runs 8567 2634284 vm 2",null,{},{},[[1,{"value":0.8718015166}],[2,{"value":1.7436030332}],[3,{"value":2.6154045498}],[4,{"value":3.4872060664}],[5,{"value":4.359007583}],[6,{"value":5.2308090996}],[7,{"value":6.102610616200001}],[8,{"value":6.9744121328}],[9,{"value":7.8462136494}]],[[0.111111111,[0.8718015166]],[0.333333333,[2.6154045498]],[1.0,[7.8462136494]]],true,"",[]],[4,{"height":0.2984701534},"paused",0.1111111111111111,0.1111111111111111,null,{"by":"random","bracket":0,"rung":0,"first":0.111111111},[0.2984701534],{"value":0.2984701534},1,1,0,0,0.0001790750029613264,"runs 8567 2634284 vm 2",null,{},{},[[1,{"value":0.2984701534}]],[[0.111111111,[0.2984701534]]],true,"",[]],[5,{"height":0.3413220155},"paused",0.1111111111111111,0.1111111111111111,null,{"by":"random","bracket":0,"rung":0,"first":0.111111111},[0.3413220155],{"value":0.3413220155},1,1,0,0,0.00017603100059204735,"runs 8567 2634284 vm 2",null,{},{},[[1,{"value":0.3413220155}]],[[0.111111111,[0.3413220155]]],true,"",[]]]');
INSERT INTO "kept" VALUES(2,'1-905216f7','head',55,'b62f39b5{"count":55,"last":"61c7e432","rows":6,"notes":0,"elapsed":0.015048043002025224,"started":6,"limits":[],"confirmed":[],"grown":[[{"name":"height","kind":"float","low":0.0,"high":1.0,"step":null,"sampling":"linear","default":null}]],"more":{"learned":{"hints":{},"seen":{"count":6,"seen":{},"splits":{},"always":["height"],"restarts":{}}}}}');
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
INSERT INTO "modelwright_schema" VALUES(3);
CREATE TABLE studies (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	name TEXT NOT NULL, 
	created FLOAT NOT NULL, 
	definition TEXT NOT NULL, 
	UNIQUE (name)
);
INSERT INTO "studies" VALUES(1,'killed',1.79527310998167634013e+09,'{"objectives":[["loss","min"]],"strategy":"random","seed":5,"subject":"search.<locals>.function","kind":"function","unit":"step","steps":3,"plan":"","budget":{"trials":12,"seconds":null,"min_gain":null,"most":12},"parameters":[],"call":{"subject":null,"data":[],"read":null,"options":{"strategy":{"plain":"random"},"seed":{"plain":5},"steps":{"plain":3}},"lacks":{"subject":"search.<locals>.function is defined inside of a function"},"sources":[],"texts":"c$}-Q1ponc0Qm","folder":"/work/main"}}');
INSERT INTO "studies" VALUES(2,'rungs',1.79527311005230236053e+09,'{"objectives":[["value","max"]],"strategy":"hyperband","seed":0,"subject":"rungs.<locals>.function","kind":"function","unit":"step","steps":9,"plan":"trials end after 1 or 3 of 9 steps; the better 1 of 3 go on, and start over: they cannot pause","budget":{"trials":6,"seconds":null,"min_gain":null},"parameters":[],"call":{"subject":null,"data":[],"read":null,"options":{"strategy":{"plain":"hyperband"},"steps":{"plain":9}},"lacks":{"subject":"rungs.<locals>.function is defined inside of a function"},"sources":[],"texts":"c$}-Q1ponc0Qm","folder":"/work/main"}}');
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('studies',2);
COMMIT;
